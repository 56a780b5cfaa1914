# SPDX-License-Identifier: GPL-2.0-only
"""Background synchronization: VLANs, address lists, announcements."""
