# SPDX-License-Identifier: GPL-2.0-only
"""This process and the machine: capabilities, locks, credentials, mounts, namespaces, clocks."""
