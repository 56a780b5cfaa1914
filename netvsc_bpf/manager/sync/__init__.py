# SPDX-License-Identifier: GPL-2.0-only
"""Kept in step in the background: VLANs, address lists, announcements."""
