# SPDX-License-Identifier: GPL-2.0-only
"""Reads NICs from netlink and sysfs, and pairs them; every refusal has a reason.

``nics`` and ``sysfs`` read the kernel; the rest is pure and decides: ``eligibility`` checks a single NIC,
``synthetics`` and ``candidates`` the two members, ``pairing`` chooses. Two NICs form a pair because they have
the same MAC, as for hv_netvsc and net_failover, so that no state file is needed. A NIC is refused because of
its properties (kind, bus, master), never because of its name, which udev may change at any time.
"""
