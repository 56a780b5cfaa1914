# SPDX-License-Identifier: GPL-2.0-only
"""Watching for what the kernel does not report: stalled VFs, detached links, steps that do not return."""
