# SPDX-License-Identifier: GPL-2.0-only
"""Fifteen NICs of hv_netvsc, one manager."""

import json
import subprocess
from pathlib import Path as FilePath
from typing import Any

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.doctor.hyperv import CHECK
from netvsc_bpf.lab import namespace
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.commands import PROGRAM
from tests.kernel.support.manager import managers
from tests.kernel.support.scraping import Scrape
from tests.kernel.support.waiting import eventually
from tests.vm.hyperv.many import APART, ENSLAVED, HOT, NICS, ManyNics, address, name
from tests.vm.sriov import PEER

pytestmark = [pytest.mark.guest, pytest.mark.newest, pytest.mark.timeout(600)]
_WITH_FUNCTION = [*ENSLAVED, *APART]
_PINS = FilePath("/sys/fs/bpf/netvsc-bpf")


def by_vf() -> list[int]:
    """The NICs that use their VF, by number."""
    return sorted(
        int(status.synthetic.name.removeprefix(name(0).removesuffix("0")))
        for status in datapath.status()
        if status.path is Path.VF
    )


def others() -> dict[str, int]:
    """How often the path of each NIC changed, but for the one whose VF comes and goes."""
    return {
        status.synthetic.name: status.path_changes
        for status in datapath.status()
        if status.synthetic.name != name(HOT)
    }


def shown(*command: str) -> str:
    """Return the output of a netvsc-bpf command."""
    return subprocess.run([*PROGRAM, *command], check=True, text=True, capture_output=True).stdout


def test_s61_fifteen_nics_are_served_by_one_manager_and_s53_errors_of_one_vf_are_its_own(
    many: ManyNics,
) -> None:
    with managers(many) as start:
        manager = start(*map(name, NICS))
        eventually("all are attached", lambda: len(manager.statuses()) == len(NICS))
        many.plug_functions()
        eventually("each uses the VF that it has", lambda: by_vf() == _WITH_FUNCTION)
        many.plug_hot()
        eventually("the hot-plugged VF too", lambda: by_vf() == [*_WITH_FUNCTION, HOT])
        undisturbed = others()
        eventually("the peer answers on every wire", many.all_answered)
        _errors_are_those_of_one(many)

        many.unplug_hot()
        eventually("one has left its VF", lambda: by_vf() == _WITH_FUNCTION)
        _commands_agree()
        many.plug_hot()
        eventually("and is back", lambda: by_vf() == [*_WITH_FUNCTION, HOT])
        assert others() == undisturbed
        eventually("the peer answers on every wire", many.all_answered)
        # A slow machine may complain of itself, under another name than a pair's.
        assert [one for one in manager.events_of("failed") if one["interface"] in map(name, NICS)] == []
        assert manager.stop() == 0
        assert by_vf() == [*_WITH_FUNCTION, HOT], "without any process"
    assert datapath.status() == []
    assert [path for path in _PINS.rglob("*") if not path.is_dir()] == []


def _errors_are_those_of_one(many: ManyNics) -> None:
    """Row 53: e1000e throws frames away that are larger than its MTU, and counts them as errors."""
    wire = many.nics[HOT].wire
    large = ["ping", "-n", "-c", "3", "-i", "0.2", "-W", "1", "-M", "do", "-s", "4000", address(HOT)]
    namespace.run(PEER, ["ip", "link", "set", wire, "mtu", "9000"])
    namespace.run(PEER, large, check=False)
    namespace.run(PEER, ["ip", "link", "set", wire, "mtu", "1500"])
    # Its counter goes on a while after the last of them was sent.
    before = _rx_errors(many)
    counted = Scrape(shown("metrics"))
    errors = {
        number: counted.value("vf_errors_total", interface=name(number), direction="rx") for number in NICS
    }
    assert 3 <= before <= errors[HOT] <= _rx_errors(many)
    assert sum(errors.values()) == errors[HOT]


def _rx_errors(many: ManyNics) -> int:
    vf = many.vf(HOT)
    assert vf is not None
    return vf.rx_errors


def _commands_agree() -> None:
    """`status`, `doctor` and `metrics` know each NIC, and agree on which of them use a VF."""
    pairs = {pair["interface"]: pair for pair in json.loads(shown("status", "--json"))}
    armed, without = (Path.VF, Reason.ARMED), (Path.SYNTHETIC, Reason.NO_VF)
    assert {one: (pair["path"], pair["reason"]) for one, pair in pairs.items()} == {
        name(number): armed if number in _WITH_FUNCTION else without for number in NICS
    }
    counted = Scrape(shown("metrics"))
    active = [counted.value("vf_active", interface=name(number)) for number in NICS]
    assert active == [float(number in _WITH_FUNCTION) for number in NICS]
    examined = json.loads(shown("doctor", "--json"))
    reported = [finding["what"] for finding in examined["findings"] if finding["check"] == CHECK]
    assert examined["fit"]
    assert {number: _reports_of(number, pairs, reported) for number in NICS} == dict.fromkeys(NICS, 1)
    assert len(reported) == len(NICS)


def _reports_of(number: int, pairs: dict[str, dict[str, Any]], reported: list[str]) -> int:
    """How often the doctor says what is so of a NIC (test_doctor.py)."""
    vf = pairs[name(number)]["vf"]
    if vf is None:
        expected = f"the host offers no VF for {name(number)}"
    elif number in ENSLAVED:
        expected = f"the host delivers to {vf['interface']}, because"
    else:
        expected = f"hv_netvsc did not enslave {vf['interface']},"
    return sum(text.startswith(expected) for text in reported)
