# SPDX-License-Identifier: GPL-2.0-only
"""What an operator chose for one pair with `attach`, which the manager and later attaches keep."""

from dataclasses import dataclass, fields
from typing import Any

from netvsc_bpf.model.names import quoted
from netvsc_bpf.model.path import GuardMode, ReturnPolicy, RxMode, XdpPolicy


@dataclass(frozen=True, slots=True)
class AttachChoice:
    """The options that were given; None: not given, or given as "auto"."""

    vf: str | None = None
    any_bus: bool | None = None
    settle_ms: int | None = None
    rx: RxMode | None = None
    guard: GuardMode | None = None
    xdp: XdpPolicy | None = None
    return_: ReturnPolicy | None = None

    def __bool__(self) -> bool:
        return bool(self.given())

    def given(self) -> dict[str, Any]:
        """Return what was chosen, by the names of the fields."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in found.items() if value is not None}

    def as_json(self) -> dict[str, Any]:
        """Return the object in `status --json`."""
        return {
            "vf": self.vf,
            "any_bus": self.any_bus,
            "settle_ms": self.settle_ms,
            "rx": None if self.rx is None else self.rx.value,
            "guard": None if self.guard is None else self.guard.value,
            "xdp": None if self.xdp is None else self.xdp.value,
            "return": None if self.return_ is None else self.return_.value,
        }

    def as_options(self) -> list[str]:
        """Return what was chosen as options of `attach`, for people."""
        said = []
        for name, value in self.given().items():
            option = name.removesuffix("_ms").removesuffix("_").replace("_", "-")
            if isinstance(value, bool):
                said.append(f"--{'' if value else 'no-'}{option}")
            else:
                said.append(f"--{option} {quoted(str(value))}")
        return said


CHOICES = tuple(one.name for one in fields(AttachChoice))
"""The names of the options that are kept for each pair. They are fields of AttachOptions too."""
