# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of the tests of metrics."""

from tests.kernel.manager.conftest import start

__all__ = ["start"]
