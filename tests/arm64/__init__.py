# SPDX-License-Identifier: GPL-2.0-only
"""The product on arm64: Debian 13's kernels and userland in an emulated machine, `make arm64-test`."""
