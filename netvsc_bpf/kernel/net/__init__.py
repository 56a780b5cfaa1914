# SPDX-License-Identifier: GPL-2.0-only
"""Network devices: rtnetlink, settings, watches, address lists, VLANs, counters, packet sockets."""
