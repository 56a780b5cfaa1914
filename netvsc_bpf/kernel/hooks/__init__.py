# SPDX-License-Identifier: GPL-2.0-only
"""Attach points: tcx, clsact, XDP; probes of kernel features; replacing programs under traffic."""
