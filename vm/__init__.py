# SPDX-License-Identifier: GPL-2.0-only
"""Virtual machines with other kernels over this very file system: for tests/vm and bench alike."""
