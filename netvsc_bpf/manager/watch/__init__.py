# SPDX-License-Identifier: GPL-2.0-only
"""What no kernel event reports: stalled VFs, links detached by force, steps that do not return."""
