# SPDX-License-Identifier: GPL-2.0-only
"""Pins that are not what we would have written: never misread, and `detach --all` clears them away."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from netvsc_bpf.kernel.bpf import abi, libbpf
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import Ended, refused, state
from tests.kernel.direct import direct, force_clsact
from tests.kernel.machine import look, pins, unchanged

LabFactory = Callable[..., Lab]
CliIn = Callable[..., Ended]
Spoil = Callable[[Path], None]
ATTACH = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory(LabPlan(fabric=Fabric.NONE))


def object_folder() -> Path:
    (folder,) = (path for path in pins() if path.name == "object")
    return folder


def another_map(folder: Path) -> None:
    fd = libbpf.lib().bpf_map_create(2, b"pairs", 4, 8, 1, None)
    try:
        (folder / "maps/pairs").unlink()
        libbpf.obj_pin(fd, folder / "maps/pairs")
    finally:
        os.close(fd)


def no_map(folder: Path) -> None:
    (folder / "maps/homes").unlink()


def no_program(folder: Path) -> None:
    (folder / "programs/control").unlink()


def program_for_map(folder: Path) -> None:
    (folder / "maps/pairs").unlink()
    fd = libbpf.obj_get(folder / "programs/home")
    try:
        libbpf.obj_pin(fd, folder / "maps/pairs")
    finally:
        os.close(fd)


def write_layout(folder: Path, **fields: int) -> None:
    fd = libbpf.obj_get(folder / "maps/layout")
    try:
        layout = abi.Layout()
        libbpf.map_lookup(fd, 0, layout)
        for name, value in fields.items():
            setattr(layout, name, value)
        libbpf.map_update(fd, 0, layout)
    finally:
        os.close(fd)


def another_version(folder: Path) -> None:
    write_layout(folder, version=abi.ABI_VERSION + 1)


def unknown_rung(folder: Path) -> None:
    write_layout(folder, liveness=77)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (another_map, "map pairs has another type or size"),
        (no_map, "maps/homes is missing"),
        (no_program, "programs/control is missing"),
        (program_for_map, "map pairs has another type or size"),
        (another_version, f"its layout has version {abi.ABI_VERSION + 1}, not {abi.ABI_VERSION}"),
        (unknown_rung, "its liveness 77 is unknown"),
    ],
    ids=["another-map", "no-map", "no-program", "program-for-map", "another-version", "unknown-rung"],
)
def test_pins_of_another_layout_are_refused_and_can_be_cleared(
    lab: Lab, cli_in: CliIn, spoil: Spoil, said: str
) -> None:
    assert state(cli_in(lab.guest, *ATTACH))["path"] == "vf"
    spoil(object_folder())
    with unchanged(lab):
        for command in (ATTACH, ("detach", "eth0")):
            refused(cli_in(lab.guest, *command), 3, said, "netvsc-bpf detach --all")
    result = cli_in(lab.guest, "detach", "--all")
    assert (result.returncode, len(result.stderr.splitlines())) == (0, 1), result
    assert "were not restored" in result.stderr
    assert pins() == []
    assert state(cli_in(lab.guest, *ATTACH))["path"] == "vf"


def test_filters_of_another_layout_are_cleared_too(
    lab: Lab, cli_in: CliIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    force_clsact(monkeypatch)
    with direct(lab) as here:
        here.attach()
        another_version(object_folder())
        assert "were not restored" in cli_in(lab.guest, "detach", "--all").stderr
        assert [found for what, found in look(lab).items() if what.startswith("filters") and found] == []
    assert pins() == []


def test_pins_of_an_earlier_namespace_with_our_number_are_replaced(lab: Lab, cli_in: CliIn) -> None:
    assert state(cli_in(lab.guest, *ATTACH, "--guard", "off"))["path"] == "vf"
    write_layout(object_folder(), netns_cookie=1)
    assert cli_in(lab.guest, "status", "--json").stdout.strip() == "[]"
    assert state(cli_in(lab.guest, *ATTACH))["path"] == "vf"
