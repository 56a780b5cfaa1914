# SPDX-License-Identifier: GPL-2.0-only
"""Settings of the unit tests."""

from hypothesis import settings

# An example that takes long says that the machine is busy, no more.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
