# SPDX-License-Identifier: GPL-2.0-only
"""Python's idea of what is shared with the programs, compared with the programs' own.

Structs are compared with the BTF that came with the loaded maps. What no map holds - events, commands,
numbers that are macros - is not in there, and is read from abi.h itself.
"""

import ctypes
import os
import re
from collections.abc import Iterator
from enum import Enum, IntEnum

import pytest

from netvsc_bpf.kernel.bpf import abi, libbpf
from netvsc_bpf.kernel.bpf.btf import Btf
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.compile.bundle import sources_dir
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.topology import Lab
from tests.kernel.support.attachment import attached

Fields = dict[str, tuple[int, int]]
"""Name: offset and size in bytes."""

IN_MAPS = {
    "pair": ("pairs", abi.PairState),
    "home": ("homes", abi.Home),
    "traffic": ("counters", abi.TrafficCount),
    "counters": ("counters", abi.Counters),
    "evidence": ("evidence", abi.Evidence),
    "found": ("found_state", abi.Found),
    "layout": ("layout", abi.Layout),
}
"""Each struct that Python mirrors, and a map whose BTF has it."""
TABLES = {"pairs", "homes", "cpu_counters", "all_counters", "all_evidence"}
"""Arrays of these structs."""
ENUMS: dict[str, tuple[str, tuple[object, ...]]] = {
    "pair_path": ("PATH_", abi.PATHS),
    "reason": ("REASON_", abi.REASONS),
    "liveness": ("LIVENESS_", abi.LIVENESSES),
    "guard_mode": ("GUARD_", abi.GUARD_MODES),
    "receive_offload": ("OFFLOAD_", abi.RECEIVE_OFFLOADS),
}
COMMANDS = {"control_command", "control_result", "return_policy"}
COUNTS = {"PATH_COUNT": len(abi.PATHS), "REASON_COUNT": abi.REASON_COUNT}
SIZES = {"u8": 1, "u32": 4, "u64": 8}


def fields(struct: type[ctypes.Structure]) -> Fields:
    return {name: (getattr(struct, name).offset, getattr(struct, name).size) for name, *_ in struct._fields_}


def abi_h() -> str:
    """abi.h without its comments."""
    return re.sub(r"/\*.*?\*/", "", (sources_dir() / "abi.h").read_text(), flags=re.S)


def enumerators(enum: str) -> dict[str, int]:
    body = re.search(rf"enum {enum} \{{(.*?)\}};", abi_h(), re.S)
    assert body is not None, enum
    return {name: int(value) for name, value in re.findall(r"(\w+)\s*=\s*(\d+)", body[1])}


def by_number(prefix: str, values: tuple[object, ...]) -> dict[str, int]:
    """What abi.h has to say, if Python's tuple is right."""
    return {
        prefix + ("NONE" if value is None else value.name): number
        for number, value in enumerate(values)
        if isinstance(value, Enum) or (value is None and prefix == "REASON_")
    }


@pytest.fixture
def pins(lab: Lab) -> Iterator[NetnsPins]:
    with attached(lab):
        yield NetnsPins(lab.in_guest(namespaces.current_inode))


def btf_of(pins: NetnsPins, name: str) -> Btf:
    fd = libbpf.obj_get(pins.map(name))
    try:
        return Btf.of_object(libbpf.info(fd, libbpf.MapInfo).btf_id)
    finally:
        os.close(fd)


@pytest.mark.guest
@pytest.mark.every
def test_structs_are_those_of_the_loaded_maps(pins: NetnsPins) -> None:
    for struct, (name, mirror) in IN_MAPS.items():
        with btf_of(pins, name) as btf:
            loaded = {member: (at.offset, at.size) for member, at in btf.members(struct).items()}
            assert fields(mirror) == loaded, struct
            assert ctypes.sizeof(mirror) == btf.size(struct), struct


def test_enums_that_maps_hold_have_the_numbers_of_python(pins: NetnsPins) -> None:
    with btf_of(pins, "pairs") as btf:
        for enum in ("reason", "guard_mode", "liveness"):
            prefix, values = ENUMS[enum]
            loaded = {name: number for name, number in btf.enumerators(enum).items() if name not in COUNTS}
            assert loaded == by_number(prefix, values), enum


def test_every_struct_and_enum_of_the_header_is_compared_here() -> None:
    assert set(re.findall(r"\bstruct (\w+) \{", abi_h())) == {*IN_MAPS, *TABLES, "path_event"}
    assert set(re.findall(r"\benum (\w+) \{", abi_h())) == {*ENUMS, *COMMANDS, "nic_fact"}
    mirrors = {
        thing
        for thing in vars(abi).values()
        if isinstance(thing, type) and issubclass(thing, ctypes.Structure)
    }
    assert mirrors == {mirror for _, mirror in IN_MAPS.values()} | {abi.PathEvent}


@pytest.mark.parametrize("enum", ENUMS)
def test_enums_have_the_numbers_of_the_header(enum: str) -> None:
    prefix, values = ENUMS[enum]
    declared = enumerators(enum)
    assert {name: declared.pop(name) for name in COUNTS if name in declared} == {
        name: number for name, number in COUNTS.items() if name.startswith(prefix)
    }
    assert declared == by_number(prefix, values)
    assert len([value for value in values if value is not None]) == len(set(values) - {None})


@pytest.mark.parametrize(
    ("enum", "prefix", "mirror"),
    [
        ("control_command", "CONTROL_", abi.ControlCommand),
        ("control_result", "CONTROL_", abi.ControlResult),
        ("return_policy", "RETURN_", abi.Returns),
    ],
)
def test_control_uses_the_commands_of_the_header(enum: str, prefix: str, mirror: type[IntEnum]) -> None:
    assert enumerators(enum) == {f"{prefix}{member.name}": member.value for member in mirror}


def test_flags_have_the_values_of_the_header() -> None:
    assert enumerators("nic_fact") == {f"FACT_{member.name}": member.value for member in abi.NicFact}


def test_numbers_have_the_values_of_the_header() -> None:
    declared = {name: int(value, 0) for name, value in re.findall(r"#define (\w+) (\w+)", abi_h())}
    assert declared == {
        "ABI_MAGIC": abi.ABI_MAGIC,
        "ABI_VERSION": abi.ABI_VERSION,
        "NIC_SLOTS": abi.NIC_SLOTS,
        "SLOT_PROBES": abi.SLOT_PROBES,
        "EVIDENCE_FRAMES": abi.EVIDENCE_FRAMES,
        "EVIDENCE_STATIONS": abi.EVIDENCE_STATIONS,
        "EVIDENCE_SENDERS": abi.EVIDENCE_SENDERS,
        "DRAINED_INDEFINITELY": abi.DRAINED_INDEFINITELY,
    }


def test_path_event_is_laid_out_as_the_header_says() -> None:
    body = re.search(r"struct path_event \{(.*?)\};", abi_h(), re.S)
    assert body is not None
    expected: Fields = {}
    end = 0
    for kind, name in re.findall(r"(u8|u32|u64|enum \w+) (\w+);", body[1]):
        size = SIZES.get(kind, 4)  # an enum is an unsigned int
        end += -end % size
        expected[name] = (end, size)
        end += size
    assert fields(abi.PathEvent) == expected
    assert ctypes.sizeof(abi.PathEvent) == end + -end % 8
