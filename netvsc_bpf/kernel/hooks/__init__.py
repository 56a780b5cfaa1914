# SPDX-License-Identifier: GPL-2.0-only
"""Where programs are attached: tcx, clsact, XDP; what the kernel offers; replacing programs under traffic."""
