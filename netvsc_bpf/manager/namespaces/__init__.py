# SPDX-License-Identifier: GPL-2.0-only
"""One manager for each network namespace, and NICs that move between them."""
