# SPDX-License-Identifier: GPL-2.0-only
"""Per-namespace managers, and NICs that move between network namespaces."""
