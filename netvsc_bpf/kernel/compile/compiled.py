# SPDX-License-Identifier: GPL-2.0-only
"""The compiler's result: maps to create, and the instructions of programs.

It refers to no object of the kernel: maps are placeholders (kernel/bpf/map_addresses.py), so it can be passed
between processes, and kept in a file for the next one (compile_cache.py).
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from netvsc_bpf.kernel.bpf import program_templates
from netvsc_bpf.kernel.bpf.fentry_links import HOOKS, TRACEPOINTS
from netvsc_bpf.kernel.bpf.map_specs import MapSpec
from netvsc_bpf.model.path import Liveness

MAPS = ("pairs", "paths", "homes", "counters", "evidence", "path_events", "found_state", "layout")
CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Compiled:
    """All maps and programs of a fallback level."""

    maps: tuple[MapSpec, ...]
    btf: bytes
    """The BTF with the types of the maps; empty where the compiler had none."""
    programs: dict[str, bytes]
    """Instructions with placeholders for maps, by the names of program_names()."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        programs = {name: _text(code) for name, code in self.programs.items()}
        return {"maps": [asdict(spec) for spec in self.maps], "btf": _text(self.btf), "programs": programs}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Compiled":
        """Return what to_json() was made of. Raises KeyError, TypeError, ValueError for anything else."""
        maps = tuple(MapSpec(**one) for one in found["maps"])
        programs = found["programs"]
        if not isinstance(programs, dict) or CONTROL not in programs:
            raise ValueError("there are no programs")
        return cls(maps, _bytes(found["btf"]), {str(name): _bytes(code) for name, code in programs.items()})


def program_names(liveness: Liveness) -> Iterator[str]:
    """Return the programs of a fallback level: its templates, control, and the sentinel's by their links."""
    yield from (CONTROL, *program_templates.KINDS)
    if liveness is not Liveness.NETLINK:
        yield from TRACEPOINTS
    if liveness is Liveness.FENTRY:
        yield from HOOKS


def dumped(found: dict[str, Any]) -> bytes:
    """Return JSON in bytes."""
    return json.dumps(found, separators=(",", ":")).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
