# SPDX-License-Identifier: GPL-2.0-only
"""Other versions of us: the same C with one harmless line more, and what runs, hook by hook."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyroute2 import IPRoute

from netvsc_bpf.kernel.bpf import libbpf, pin_files
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.compile import bundle
from netvsc_bpf.kernel.hooks import clsact
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.topology import Lab
from tests.kernel.machine import pins
from tests.kernel.support import other_version
from tests.kernel.support.waiting import eventually

_LINKS = {"steer", "home", "guard"}


@dataclass
class Versions:
    """Makes this process, and the compilers that it starts, another version of us."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    made: int = 0

    def next(self, source: str = "steer.c", more: str = "") -> None:
        """Be another version from now on; `more` C is appended to one of its sources."""
        self.made += 1
        sources = self.folder / f"ebpf{self.made}"
        shutil.copytree(other_version.ebpf_folder(), sources)
        with (sources / source).open("a") as appended:
            appended.write(f"/* version {self.made} */\n{more}")
        self.monkeypatch.setattr(bundle, "sources_dir", lambda: sources)

    def original(self) -> None:
        """Be the version that this checkout is."""
        self.monkeypatch.setattr(bundle, "sources_dir", other_version.ebpf_folder)

    def installed(self) -> dict[str, str]:
        """Install another version; return the environment in which a command is that version."""
        self.made += 1
        return other_version.installed(self.folder / f"site{self.made}", self.made)

    def spoil(self, installed: dict[str, str]) -> None:
        """Make an installed version one that does not compile."""
        with (Path(installed["PYTHONPATH"]) / "netvsc_bpf/ebpf/home.c").open("a") as appended:
            appended.write("this is no C\n")


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Versions:
    return Versions(tmp_path, monkeypatch)


@dataclass(frozen=True)
class Hooked:
    """What runs in the guest."""

    links: dict[str, tuple[int, int]]
    """Link and its program, by kernel number."""
    filters: dict[str, list[tuple[int, int, int | None]]]
    """clsact: priority, handle and program."""
    programs: dict[str, int]
    """What is pinned."""
    build: int

    @property
    def places(self) -> object:
        """All but the programs: what must be the same before and after."""
        return (
            {name: link for name, (link, _) in self.links.items()},
            {name: [found[:2] for found in filters] for name, filters in self.filters.items()},
        )

    @property
    def running(self) -> dict[str, int | None]:
        """The programs that are attached, by hook; each hook has one."""
        by_link = {name: program for name, (_, program) in self.links.items()}
        by_filter = {name: filters[0][2] for name, filters in self.filters.items() if filters}
        assert all(len(filters) <= 1 for filters in self.filters.values()), self.filters
        return {**by_link, **by_filter}


def hooked(lab: Lab, synthetic: str = "eth0", vf: str = "vf0") -> Hooked:
    """Read what runs, from the kernel alone."""
    where = {"steer": (synthetic, Direction.EGRESS), "home": (vf, Direction.INGRESS)}

    def look() -> Hooked:
        home = NetnsPins(namespaces.current_inode())
        filters = {}
        with IPRoute() as ipr, Rtnetlink() as rtnl:
            for name, (interface, direction) in where.items():
                (ifindex,) = ipr.link_lookup(ifname=interface)
                found = clsact.filters(rtnl, ifindex, direction)
                filters[name] = [(one.prio, one.handle, one.prog_id) for one in found]
            (ifindex,) = ipr.link_lookup(ifname=synthetic)
        folder = home.pair(ifindex)
        links = {path.name: _link(path) for path in sorted(folder.iterdir()) if path.name in _LINKS}
        shared = {"control": _id(home.program("control"))}
        programs = shared | {path.name: _id(path) for path in sorted(home.copies(ifindex).iterdir())}
        with LoadedObject(home) as loaded:
            return Hooked(links, filters, programs, loaded.build)

    return lab.in_guest(look)


def is_at_rest(lab: Lab) -> bool:
    """Return whether home is attached like steer: at first a manager attaches it by an interim filter."""
    now = hooked(lab)
    return all(("home" in having) == ("steer" in having) for having in (now.links, _having(now.filters)))


def at_rest(lab: Lab) -> Hooked:
    """Read what runs once it is at rest."""
    eventually("home has its place", lambda: is_at_rest(lab))
    return hooked(lab)


def _having(filters: dict[str, list[tuple[int, int, int | None]]]) -> set[str]:
    return {name for name, found in filters.items() if found}


def unfinished() -> list[str]:
    """The folders in bpffs that stand only while programs are loaded or changed."""
    return [path.name for path in pins() if path.name.startswith(("loading", "upgrading"))]


def assert_of_one_version(now: Hooked) -> None:
    """Fail unless each hook runs the program that is pinned."""
    assert now.running == {name: now.programs[name] for name in now.running}
    assert set(now.running) == {"steer", "home", "guard"}
    assert unfinished() == []


def _link(path: Path) -> tuple[int, int]:
    with pin_files.got(path) as fd:
        info = libbpf.info(fd, libbpf.LinkInfo)
    return int(info.id), int(info.prog_id)


def _id(path: Path) -> int:
    with pin_files.got(path) as fd:
        return int(libbpf.info(fd, libbpf.ProgInfo).id)
