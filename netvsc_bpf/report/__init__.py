# SPDX-License-Identifier: GPL-2.0-only
"""One archive for a bug report: what the commands show, and what they are made of.

Every part is made by itself: one that cannot be made, for lack of a privilege or because that is the bug, is
noted in the archive with the reason.
"""
