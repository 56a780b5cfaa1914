# SPDX-License-Identifier: GPL-2.0-only
"""The known and the configured state of each pair: configuration, policies, memory. Pure, or nearly so."""
