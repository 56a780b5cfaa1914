# SPDX-License-Identifier: GPL-2.0-only
"""What people see at a terminal: words, amounts and rates (pure), and rich tables made of them.

rich is imported by the modules that make tables alone, and those by the commands that print them: JSON for
programs never pays for it.
"""
