# SPDX-License-Identifier: GPL-2.0-only
"""Two NICs as one: steer a synthetic NIC's traffic through its SR-IOV VF with eBPF."""

__version__ = "0.1.0"
