# SPDX-License-Identifier: GPL-2.0-only
"""udev itself at work on a VF that comes: it renames it while we join it, and marks it as ours."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path as FilePath

import pytest

from netvsc_bpf.kernel.net import udev
from netvsc_bpf.model.path import Path
from tests.kernel.support.manager import managers
from tests.kernel.support.waiting import eventually
from tests.vm.guest_kernel import is_at_least
from tests.vm.hyperv.pair import HypervPair, Shape
from tests.vm.sriov import SYNTHETIC, SriovPair
from tests.vm.streams import END_NS, QUEUED, go_on, lost, lost_by_driver, udp
from vm.kernels import REPO

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]
_UNPACKED = FilePath(os.environ.get("NETVSC_BPF_GUEST_UDEV", "/"))
"""Debian's package, not installed: so it has no rules but ours."""
_RULES = udev.RUN / "rules.d"
_HELPER = FilePath("/usr/local/lib/netvsc-bpf/netvsc-bpf-vf")
_SLOW_RENAME = """\
SUBSYSTEM=="net", ACTION=="add", DRIVERS=="igbvf", PROGRAM="/bin/sleep 0.5", NAME="fast0"
"""
"""By the time that udev gives the name a manager in a hurry has long brought the VF up."""
_MARKS = {"NETVSC_BPF_VF=1", f"NETVSC_BPF_SYNTHETIC={SYNTHETIC}", "NM_UNMANAGED=1"}


def renamed_up(pair: SriovPair) -> bool:
    """Return whether udev may rename a VF that late: its driver does not bring it up, or that is no obstacle.

    hv_netvsc brings a VF up after a tenth of a second (VF_TAKEOVER_INT), and before Linux 6.2 no NIC that is
    up gets another name (dev_change_name()).
    """
    enslaved = isinstance(pair, HypervPair) and pair.shape is Shape.ENSLAVED
    return not enslaved or is_at_least(6, 2)


@pytest.fixture
def running_udev(any_pair: SriovPair) -> Iterator[None]:
    """udev with the rules as deploy/README.md installs them, and one that renames the VF if it can."""
    for folder in (_RULES, _HELPER.parent):
        folder.mkdir(parents=True)
    shutil.copy(REPO / "deploy/udev/netvsc-bpf-vf", _HELPER)
    shutil.copy(REPO / "deploy/udev/74-netvsc-bpf-vf.rules", _RULES)
    if renamed_up(any_pair):
        (_RULES / "90-slow-rename.rules").write_text(_SLOW_RENAME)
    with subprocess.Popen(["systemd-udevd"], executable=_UNPACKED / "bin/udevadm") as daemon:
        eventually("udev listens", lambda: (udev.RUN / "control").exists())
        yield
        daemon.terminate()
    shutil.rmtree(udev.RUN)
    shutil.rmtree(_HELPER.parent)


def udevadm(*arguments: str) -> str:
    command = [_UNPACKED / "bin/udevadm", *arguments]
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def test_s10_vf_that_udev_renames_under_load_has_its_name_and_is_used_and_s11_is_marked(
    running_udev: None, any_pair: SriovPair
) -> None:
    with managers(any_pair) as start, ExitStack() as streams:
        manager = start(SYNTHETIC)
        manager.wait_path(Path.SYNTHETIC)
        # Not before: without tcx, what goes out while clsact is added is dropped (docs/limits.md).
        before = any_pair.lost_by_driver()
        stream = streams.enter_context(udp())
        left_at, away = [0], []
        for times in (1, 2):
            go_on(stream)
            vf = any_pair.plug()
            manager.wait_event("joined", times=times)
            any_pair.wait_for(Path.VF)
            away.append((left_at[-1], any_pair.taken_at()))
            given = "fast0" if renamed_up(any_pair) else vf.name
            wait_for_udev(any_pair, given)
            used = any_pair.status().vf
            assert used is not None and used.name == given
            go_on(stream)
            assert any_pair.status().path is Path.VF, f"{vf.name} is {name(any_pair)} now, and still used"
            any_pair.unplug()
            left_at.append(any_pair.left_at())
        go_on(stream)
        away.append((left_at[-1], END_NS))
        result = stream.stop()
        # A slow machine may complain of itself, under another name than the pair's.
        failed = [one for one in manager.events_of("failed") if one["interface"] == SYNTHETIC]
        assert failed == [], "no EBUSY, no race"
        # hv_netvsc's own packets are in the ring of its VF, too.
        queued = QUEUED if isinstance(any_pair, HypervPair) else 1
        missing = lost(result, *left_at, queued=queued)
        excused = lost_by_driver(any_pair, result, before, *away)
        seen = f"away {away}, the driver's counters {before} to {any_pair.lost_by_driver()}"
        assert missing <= excused, f"{result.total.missing}, {seen}"


def wait_for_udev(pair: SriovPair, given: str) -> None:
    eventually("the VF has the name that udev gave it", lambda: name(pair) == given)
    eventually("udev has marked it", lambda: properties(given) >= _MARKS)


def properties(interface: str) -> set[str]:
    return set(udevadm("info", "--query=property", f"/sys/class/net/{interface}").splitlines())


def name(pair: SriovPair) -> str | None:
    vf = pair.vf
    return None if vf is None else vf.name
