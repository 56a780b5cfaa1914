# SPDX-License-Identifier: GPL-2.0-only
"""What is known and wanted of each pair: configuration, policies, memory. Pure, or nearly."""
