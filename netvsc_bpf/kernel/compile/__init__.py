# SPDX-License-Identifier: GPL-2.0-only
"""Compiles the C to pinned programs in a child process; the only wing that uses bcc."""
