# SPDX-License-Identifier: GPL-2.0-only
"""A module for the guests that holds RTNL for some time once a NIC has been stopped."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vm import module
from vm.kernels import Kernel

MODULE = "hold_rtnl"
SETTING = "NETVSC_BPF_GUEST_HOLD_RTNL"
"""The environment variable of a guest that has the module's path."""
_SOURCES = Path(__file__).with_name("module")
_PARAMETERS = Path("/sys/module", MODULE, "parameters")


def built(kernel: Kernel) -> Path:
    """Return the module for this kernel, built first where there is none of these sources.

    Raises CannotBuildModule.
    """
    return module.built(kernel, MODULE, _SOURCES)


@dataclass(frozen=True, slots=True)
class Held:
    """When RTNL was held: CLOCK_MONOTONIC, ns."""

    from_ns: int
    until_ns: int


class Holder:
    """What the module holds."""

    def last(self) -> Held | None:
        """Return when RTNL was held last; None while it is held, or before it ever was."""
        until = int((_PARAMETERS / "until_ns").read_text())
        return Held(int((_PARAMETERS / "from_ns").read_text()), until) if until else None


@contextmanager
def holding_rtnl(driver: str, ms: int) -> Iterator[Holder]:
    """Have RTNL held for so long in the block, each time that a NIC of this driver has been stopped."""
    subprocess.run(["insmod", os.environ[SETTING], f"driver={driver}", f"ms={ms}"], check=True)
    try:
        yield Holder()
    finally:
        subprocess.run(["rmmod", MODULE], check=True)
