# SPDX-License-Identifier: GPL-2.0-only
"""From netlink and sysfs to Nics, from Nics to Pairs, every refusal with its reason.

``nics`` and ``sysfs`` read the kernel; the rest is pure and decides: ``eligibility`` judges one NIC by
itself, ``synthetics`` and ``candidates`` the two halves, ``pairing`` chooses. Two NICs make a pair because
they carry the same MAC, as for hv_netvsc and net_failover, and for no reason that a state file would have
to remember. What may not be half of a pair is refused by what it *is* (kind, bus, master), never by its
name: names are udev's to change at any time.
"""
