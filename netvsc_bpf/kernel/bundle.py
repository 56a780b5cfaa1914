# SPDX-License-Identifier: GPL-2.0-only
"""All programs as one C text: bcc rewrites map methods in the main file only, so there must be just one."""

import re
from pathlib import Path

SOURCES = ("steer.c", "home.c", "guard.c", "control.c", "sentinel.c")
_OWN_INCLUDE = re.compile(r'^#include "(?P<name>[^"]+)"$')


def sources_dir() -> Path:
    """Return the folder of the C sources, installed or in a checkout."""
    import netvsc_bpf.ebpf

    return Path(netvsc_bpf.ebpf.__file__).parent


def bundle(folder: Path, sources: tuple[str, ...] = SOURCES) -> str:
    """Concatenate the sources, each of our own headers once, with #line so that errors name the real file."""
    seen: set[str] = set()
    return "#include <uapi/linux/bpf.h>\n" + "".join(_expand(folder, name, seen) for name in sources)


def stand_ins(folder: Path) -> str:
    """Return the headers that stand in for those of a kernel, one after the other."""
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
