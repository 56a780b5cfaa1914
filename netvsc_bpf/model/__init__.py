# SPDX-License-Identifier: GPL-2.0-only
"""Plain values such as NIC, pair and path, and the error types. Imports no other part of netvsc-bpf.

Nothing here does I/O, so tests can build every value directly.
"""
