# SPDX-License-Identifier: GPL-2.0-only
"""The C sources of the eBPF programs, as package data."""
