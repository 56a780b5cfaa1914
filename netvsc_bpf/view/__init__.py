# SPDX-License-Identifier: GPL-2.0-only
"""Output for people at a terminal: words, amounts and rates (pure), and rich tables made of them.

Only the modules that make tables import rich, and only the commands that print tables import those, so that
`status` and JSON output do not pay for it.
"""
