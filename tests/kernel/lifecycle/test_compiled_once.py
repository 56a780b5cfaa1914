# SPDX-License-Identifier: GPL-2.0-only
"""Programs are compiled once for a machine; what is kept is used only as it was written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from netvsc_bpf.kernel.bpf import pair_programs, program_stats
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import refused, run, state
from tests.kernel.machine import unchanged
from tests.kernel.support.sabotage import sabotage

LabFactory = Callable[..., Lab]
ATTACH = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")
NO_COMPILER = "raise SystemExit('compiled again')"


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory(LabPlan(fabric=Fabric.NONE))


def tags(lab: Lab) -> set[tuple[str, str]]:
    """Name and kernel's digest of each program that is loaded and pinned."""

    def look() -> set[tuple[str, str]]:
        where = NetnsPins(namespaces.current_inode())
        return {(one.name, one.tag) for one in program_stats.read_programs(where, ())}

    return lab.in_guest(look)


def test_next_attach_loads_the_same_programs_without_the_compiler(lab: Lab, tmp_path: Path) -> None:
    environment = sabotage(tmp_path, NO_COMPILER)
    with unchanged(lab):
        refused(run(lab, *ATTACH, env=environment), 1, "cannot compile the programs")
        cache = {"CACHE_DIRECTORY": environment["CACHE_DIRECTORY"]}
        assert state(run(lab, *ATTACH, env=cache))["path"] == "vf"
        compiled = tags(lab)
        assert run(lab, "detach", "eth0").returncode == 0
        assert state(run(lab, *ATTACH, env=environment))["path"] == "vf"
        assert tags(lab) == compiled
        assert {name for name, _ in compiled} >= {"control", *pair_programs.PROGRAMS}
        assert run(lab, "detach", "eth0").returncode == 0


def test_entry_that_was_changed_is_compiled_again(lab: Lab, tmp_path: Path) -> None:
    cache = {"CACHE_DIRECTORY": str(tmp_path)}
    with unchanged(lab):
        assert state(run(lab, *ATTACH, env=cache))["path"] == "vf"
        compiled = tags(lab)
        assert run(lab, "detach", "eth0").returncode == 0
        (entry,) = tmp_path.iterdir()
        good = entry.read_bytes()
        entry.write_bytes(good.replace(b'"guard"', b'"drain"'))
        assert state(run(lab, *ATTACH, env=cache))["path"] == "vf"
        assert (tags(lab), entry.read_bytes()) == (compiled, good)
        assert run(lab, "detach", "eth0").returncode == 0
