# SPDX-License-Identifier: GPL-2.0-only
"""Changing the programs of attached pairs for those of another build, under traffic.

The new ones were loaded onto the same maps and stand in `upgrading_<build>`. In this order:

1. Each hook changes over by itself, atomically: a link by BPF_LINK_UPDATE, a clsact filter by replacing it
   in its place. Old and new share maps and their meaning (ABI_VERSION), so a mixture of both is right.
2. Each pinned program is replaced by rename(2). Until then the old one was known by its pin.
3. The sentinels follow, by rename as well. The new ones have been attached since they were loaded: two at
   once are harmless, as all that they do can be done twice (ebpf/latch.h), and who wins the exchange of
   `armed` alone counts and tells. `failures` may rise by two; it is only ever compared with itself.
4. The build is written down, and the folder goes.

Whoever is killed anywhere in between leaves the folder, and each step can be done again: the next writer, of
whatever version, finishes it before anything else. A hook that refuses its new program in step 1 makes all
of them go back to the old ones. From step 2 to step 4 the build is unknown (0).
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path

from netvsc_bpf.kernel import beneath, clsact, links, pins, sentinel_links
from netvsc_bpf.kernel.bpffs_layout import NetnsPins
from netvsc_bpf.kernel.netlink import changing
from netvsc_bpf.kernel.objects import LoadedObject
from netvsc_bpf.kernel.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.tcx import Direction
from netvsc_bpf.model.errors import ForeignLayout

_FILTERS = {"steer": Direction.EGRESS, "home": Direction.INGRESS}
"""Programs that are clsact filters on kernels without tcx."""
_WHAT = "cannot change to the new programs"

_Switch = Callable[[str, int, int], None]
"""Have every hook of a program (name, old, new) run the new one."""


def finish(where: NetnsPins, rtnl: Rtnetlink, ifindexes: Iterable[int]) -> None:
    """Finish the change of programs that was begun, by us or by somebody who was killed.

    `ifindexes` are the NICs that may have filters. The caller holds the lock. Raises KernelError where a hook
    refuses its new program; all run the old ones again then.
    """
    nics = list(ifindexes)

    def switch(name: str, old: int, new: int) -> None:
        for pair in pins.attached_ifindexes(where):
            links.replace(where.link(pair, name), old, new)
        for ifindex in nics if name in _FILTERS else ():
            clsact.replace(rtnl, ifindex, _FILTERS[name], links.program_id(old), new, name)

    for folder, build in pins.upgrades(where):
        with changing(_WHAT):
            _switch_hooks(where, folder, switch)
            _write_down(where, 0)
            beneath.make_folder(where.sentinel)  # whoever removed its links may have removed it too
            for kind in ("programs", "sentinel"):
                for name in beneath.names(folder / kind):
                    pins.move(folder / kind / name, where.object / kind / name)
            for name in beneath.names(where.sentinel):
                if name not in sentinel_links.ALL:  # the new build has it no more
                    links.remove(where.sentinel / name)
            _write_down(where, build)
        pins.remove_tree(where, folder)


def _switch_hooks(where: NetnsPins, folder: Path, switch: _Switch) -> None:
    with ExitStack() as opened:
        programs = []
        for name in beneath.names(folder / "programs"):
            with suppress(FileNotFoundError):  # a program that the old build had not
                old = opened.enter_context(beneath.got(where.program(name)))
                programs.append((name, old, opened.enter_context(beneath.got(folder / "programs" / name))))
        try:
            for name, old, new in programs:
                switch(name, old, new)
        except BaseException:
            for name, old, new in programs:
                switch(name, new, old)
            pins.remove_tree(where, folder)
            raise


def _write_down(where: NetnsPins, build: int) -> None:
    try:
        with LoadedObject(where) as loaded:
            loaded.set_build(build)
    except ForeignLayout:
        # Finishing for a version with another layout: its number is not for us to write, and whoever wants to
        # use the object is refused with the remedy.
        return
