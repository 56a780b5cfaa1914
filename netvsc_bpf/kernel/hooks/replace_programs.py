# SPDX-License-Identifier: GPL-2.0-only
"""Replaces the programs of attached pairs by those of another build, under traffic.

The new programs were loaded onto the same maps and are pinned in `upgrading_<build>`, with new copies for
each pair (kernel/bpf/pair_programs.py). In this order:

1. Each hook is switched atomically: a link by BPF_LINK_UPDATE, a clsact filter by replacing it in its place.
   Old and new programs share the maps and their meaning (ABI_VERSION), so a mixture of both works.
2. Each pinned program is replaced by rename(2). Until then the old one is identified by its pin.
3. The sentinels are replaced by rename as well. The new ones have been attached since they were loaded: two
   at once are harmless, because everything that they do is idempotent (ebpf/latch.h), and only the one that
   changes `armed` counts and reports. `failures` may rise by two; it is only compared with itself.
4. The build is stored, and the folder is removed.

If the process is killed in between, the folder stays, and every step can be repeated: the next writer, of any
version, finishes the replacement first. If a hook refuses its new program in the first step, all hooks return
to the old ones. From the second to the fourth step the build is unknown (0).
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.kernel.bpf import fentry_links, links, pin_files, pins
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.hooks import clsact
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.model.errors import ForeignLayout

_LINKS = ("steer", "home", "guard")
_WHAT = "cannot switch to the new programs"


@dataclass(frozen=True, slots=True)
class _Change:
    """One program for another, by descriptor."""

    name: str
    old: int
    new: int

    @property
    def back(self) -> "_Change":
        """The reverse change."""
        return _Change(self.name, self.new, self.old)


def finish(where: NetnsPins, rtnl: Rtnetlink, ifindexes: Iterable[int]) -> None:
    """Finish a replacement of programs that was begun by this process, or by one that was killed.

    `ifindexes` are the NICs that may have filters. The caller holds the lock. Raises KernelError if a hook
    refuses its new program; all hooks run the old ones again then.
    """
    nics = list(ifindexes)
    for folder, build in pins.upgrades(where):
        with changing(_WHAT):
            moves = _moves(where, folder)
            _switch_hooks(where, rtnl, nics, moves, folder)
            _write_down(where, 0)
            for old, new in moves.items():
                pin_files.make_folder(old.parent)  # the earlier build had none, or it was removed
                pins.move(new, old)
            for name in pin_files.names(where.sentinel):
                if name not in fentry_links.ALL:  # the new build no longer has it
                    links.remove(where.sentinel / name)
            _write_down(where, build)
        pins.remove_tree(where, folder)


def _moves(where: NetnsPins, folder: Path) -> dict[Path, Path]:
    """Return which pins are replaced by which pins of the folder: programs first, the sentinel last."""
    moves = {}
    shared = [
        path for kind in ("programs", "templates", "sentinel") for path in pin_files.walk(folder / kind)
    ]
    own = [path for path in pin_files.walk(folder) if _is_of_a_pair(where, path.relative_to(folder))]
    for path in [*own, *shared]:
        root = where.object if path in shared else where.home
        moves[root / path.relative_to(folder)] = path
    return moves


def _is_of_a_pair(where: NetnsPins, path: Path) -> bool:
    return where.pair_ifindex(path.parts[0]) is not None and path.parent.name == "programs"


def _switch_hooks(
    where: NetnsPins, rtnl: Rtnetlink, nics: Sequence[int], moves: Mapping[Path, Path], folder: Path
) -> None:
    with ExitStack() as opened:
        changes = []
        for old, new in moves.items():
            # Absent: a program that the old build did not have, or a copy whose pair was detached.
            if old.parent.name == "programs" and pin_files.exists(old):
                descriptors = [opened.enter_context(pin_files.got(pin)) for pin in (old, new)]
                changes.append(_Change(old.name, *descriptors))
        try:
            _switch(where, rtnl, nics, changes)
        except BaseException:
            _switch(where, rtnl, nics, [change.back for change in changes])
            pins.remove_tree(where, folder)
            raise


def _switch(where: NetnsPins, rtnl: Rtnetlink, nics: Iterable[int], changes: Iterable[_Change]) -> None:
    """Switch every hook that runs an old program to the new one."""
    by_id = {links.program_id(change.old): change for change in changes}
    for ifindex in pins.attached_ifindexes(where):
        for path in (where.link(ifindex, name) for name in _LINKS):
            state = links.state(path)
            if state is not None and state.prog_id in by_id:
                links.replace(path, by_id[state.prog_id].old, by_id[state.prog_id].new)
    filters = {number: (change.new, change.name) for number, change in by_id.items()}
    for ifindex in nics if filters else ():
        for direction in Direction:
            clsact.replace(rtnl, ifindex, direction, filters)


def _write_down(where: NetnsPins, build: int) -> None:
    try:
        with LoadedObject(where) as loaded:
            loaded.set_build(build)
    except ForeignLayout:
        # The replacement was begun by a version with another layout: its build is not stored, and any use of
        # the object is refused with the remedy.
        return
