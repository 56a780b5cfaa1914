# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of the tests of what begins and ends."""

from tests.kernel.support.versions import versions

__all__ = ["versions"]
