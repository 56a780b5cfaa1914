# SPDX-License-Identifier: GPL-2.0-only
"""Maintenance of the host that is announced: reading the notices, and draining all pairs meanwhile."""
