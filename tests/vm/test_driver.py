# SPDX-License-Identifier: GPL-2.0-only
"""The VF's function stays where it is; its driver goes and comes: unbound by hand, unloaded, loaded again."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as FilePath

import pytest

from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.manager import managers
from tests.vm.sriov import SYNTHETIC, SriovPair
from tests.vm.streams import go_on, lost, lost_by_driver, udp

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]
_DRIVER = FilePath("/sys/bus/pci/drivers/igbvf")


@dataclass(frozen=True)
class Reload:
    """A way for a driver to go, and to come back."""

    goes: Callable[[str], object]
    comes: Callable[[str], object]


def modprobe(*arguments: str) -> None:
    subprocess.run(["modprobe", *arguments], check=True)


WAYS = (
    Reload(lambda pci: (_DRIVER / "unbind").write_text(pci), lambda pci: (_DRIVER / "bind").write_text(pci)),
    Reload(lambda _: modprobe("-r", "igbvf"), lambda _: modprobe("igbvf")),
)


def test_s58_vf_is_steered_again_after_its_driver_was_reloaded_and_s02_adopted_before(
    any_pair: SriovPair,
) -> None:
    vf = any_pair.plug()
    assert vf.parent is not None
    with managers(any_pair) as start:
        manager = start(SYNTHETIC)
        manager.wait_event("joined", vf.name)
        any_pair.wait_for(Path.VF)
        for times, way in enumerate(WAYS, start=2):
            before = any_pair.lost_by_driver()
            with udp() as stream:
                go_on(stream)
                way.goes(vf.parent)
                manager.wait_path(Path.SYNTHETIC, Reason.NO_VF)
                go_on(stream)
                assert any_pair.vf is None
                left_at = any_pair.left_at()
                way.comes(vf.parent)
                manager.wait_event("joined", times=times)
                any_pair.wait_for(Path.VF)
                go_on(stream)
                result = stream.stop()
            away = (left_at, any_pair.taken_at())
            assert lost(result, left_at) <= lost_by_driver(any_pair, result, before, away)
            again = any_pair.vf
            assert again is not None and (again.parent, again.mac) == (vf.parent, vf.mac)
