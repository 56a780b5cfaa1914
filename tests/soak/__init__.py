# SPDX-License-Identifier: GPL-2.0-only
"""A long run of whatever may happen to a pair, in an order that a seed decides: `make soak`."""
