# SPDX-License-Identifier: GPL-2.0-only
"""Plain values: what a NIC, a pair, a path is, and what can go wrong. Imports nothing of ours.

Everything here can be built by hand in a test; nothing here talks to a kernel.
"""
