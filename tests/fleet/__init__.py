# SPDX-License-Identifier: GPL-2.0-only
"""Parts of `make fleet-test` (scripts/fleet-test.sh)."""
