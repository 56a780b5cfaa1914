# SPDX-License-Identifier: GPL-2.0-only
"""Bundles all programs into one C text, because bcc rewrites map methods in the main file only."""

import re
from collections.abc import Iterable
from pathlib import Path

from netvsc_bpf.model.path import Liveness

_ALWAYS = ("steer.c", "home.c", "guard.c", "control.c")
_OF_RUNG = {
    Liveness.FENTRY: (*_ALWAYS, "watchdog.c", "drops.c", "sentinel.c"),
    Liveness.LIVE: (*_ALWAYS, "watchdog.c", "drops.c"),
    Liveness.NETLINK: _ALWAYS,  # on this level programs cannot read devices
}
_OWN_INCLUDE = re.compile(r'^#include "(?P<name>[^"]+)"$')


def sources_dir() -> Path:
    """Return the folder of the C sources, installed or in a checkout."""
    import netvsc_bpf.ebpf

    return Path(netvsc_bpf.ebpf.__file__).parent


def sources_of(liveness: Liveness) -> tuple[str, ...]:
    """Return the names of the sources of a fallback level."""
    return _OF_RUNG[liveness]


def bundle(folder: Path, sources: Iterable[str]) -> str:
    """Concatenate the sources, each local header once, with #line so that errors name the real file."""
    seen: set[str] = set()
    return "#include <uapi/linux/bpf.h>\n" + "".join(_expand(folder, name, seen) for name in sources)


def replacement_headers(folder: Path) -> str:
    """Return the headers that replace those of a kernel, concatenated."""
    return "".join(path.read_text() for path in sorted((folder / "include").rglob("*.h")))


def _expand(folder: Path, name: str, seen: set[str]) -> str:
    lines = [f'#line 1 "{name}"\n']
    for number, line in enumerate((folder / name).read_text().splitlines(), start=1):
        include = _OWN_INCLUDE.match(line)
        if include is None:
            lines.append(line + "\n")
        elif include["name"] not in seen:
            seen.add(include["name"])
            lines.append(_expand(folder, include["name"], seen))
            lines.append(f'#line {number + 1} "{name}"\n')
        else:
            lines.append("\n")
    return "".join(lines)
