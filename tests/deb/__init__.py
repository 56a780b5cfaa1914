# SPDX-License-Identifier: GPL-2.0-only
"""The Debian package on Debian's releases: `make deb-test`."""
