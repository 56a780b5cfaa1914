# SPDX-License-Identifier: GPL-2.0-only
"""Virtual machines with other kernels on this machine's file system, for tests/vm and bench."""
