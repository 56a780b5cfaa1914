# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of the tests of changing programs under traffic."""

from tests.kernel.support.versions import versions

__all__ = ["versions"]
