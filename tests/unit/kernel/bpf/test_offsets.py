# SPDX-License-Identifier: GPL-2.0-only
"""Offsets come from BTF, and a kernel that is built differently is refused rather than misread."""

from dataclasses import dataclass, field

import pytest

from netvsc_bpf.kernel.bpf.btf import Member
from netvsc_bpf.kernel.bpf.offsets import kernel_offsets, no_offsets
from netvsc_bpf.model.errors import NoBtf

Members = dict[str, dict[str, Member]]
Enums = dict[str, dict[str, int]]


def members() -> Members:
    """Return what 6.18 on x86-64 says, among others that we do not look at."""
    return {
        "net_device": {
            "state": Member(168, 8, "unsigned long"),
            "ifindex": Member(224, 4, "int"),
            "nd_net": Member(280, 8, "possible_net_t"),
            "carrier_up_count": Member(808, 4, "atomic_t"),
            "carrier_down_count": Member(812, 4, "atomic_t"),
            "dismantle": Member(1313, 1, "bool"),
            "name": Member(288, 16, ""),
        },
        "bpf_dtab_netdev": {"dev": Member(0, 8, ""), "val": Member(52, 8, "bpf_devmap_val")},
        "netdev_notifier_info": {"dev": Member(0, 8, ""), "extack": Member(8, 8, "")},
    }


def enums() -> Enums:
    return {
        "netdev_state_t": {
            "__LINK_STATE_START": 0,
            "__LINK_STATE_PRESENT": 1,
            "__LINK_STATE_NOCARRIER": 2,
            "__LINK_STATE_LINKWATCH_PENDING": 3,
        },
        "netdev_cmd": {
            **{"NETDEV_UP": 1, "NETDEV_DOWN": 2, "NETDEV_REBOOT": 3, "NETDEV_CHANGE": 4},
            **{"NETDEV_UNREGISTER": 6, "NETDEV_GOING_DOWN": 10, "NETDEV_PRECHANGEUPPER": 26},
        },
    }


@dataclass
class FakeBtf:
    """Answers like kernel.btf.Btf."""

    structs: Members = field(default_factory=members)
    enums: Enums = field(default_factory=enums)

    def members(self, struct: str) -> dict[str, Member]:
        return self.structs[struct]

    def enumerators(self, enum: str) -> dict[str, int]:
        return self.enums[enum]


def test_offsets_are_those_of_the_kernel() -> None:
    assert kernel_offsets(FakeBtf()) == {  # type: ignore[arg-type]
        "NET_DEVICE_STATE": 168,
        "NET_DEVICE_IFINDEX": 224,
        "NET_DEVICE_NET": 280,
        "NET_DEVICE_CARRIER_UP": 808,
        "NET_DEVICE_CARRIER_DOWN": 812,
        "NET_DEVICE_DISMANTLE": 1313,
        "DEVMAP_VAL_TO_DEV": 52,
        "NOTIFIER_INFO_DEV": 0,
        "NETDEV_PRECHANGEUPPER": 26,
    }


@pytest.mark.parametrize("flag", [None, Member(1313, 1, "u8", 1), Member(1312, 4, "int")])
def test_s106_kernel_that_does_not_show_a_removal_as_expected_is_used_all_the_same(
    flag: Member | None,
) -> None:
    btf = FakeBtf()
    del btf.structs["net_device"]["dismantle"]
    if flag is not None:
        btf.structs["net_device"]["dismantle"] = flag
    assert kernel_offsets(btf)["NET_DEVICE_DISMANTLE"] == 0  # type: ignore[arg-type]


def test_without_offsets_the_programs_get_the_same_macros() -> None:
    assert no_offsets().keys() == kernel_offsets(FakeBtf()).keys()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("struct", "name"),
    [
        ("net_device", "state"),
        ("net_device", "ifindex"),
        ("net_device", "carrier_up_count"),
        ("net_device", "carrier_down_count"),
        ("bpf_dtab_netdev", "dev"),
        ("bpf_dtab_netdev", "val"),
        ("netdev_notifier_info", "dev"),
    ],
)
@pytest.mark.parametrize("changed", [None, Member(0, 2, "")], ids=["missing", "size"])
def test_member_that_is_missing_or_of_another_size_is_refused(
    struct: str, name: str, changed: Member | None
) -> None:
    btf = FakeBtf()
    del btf.structs[struct][name]
    if changed is not None:
        btf.structs[struct][name] = changed
    with pytest.raises(NoBtf, match=name) as caught:
        kernel_offsets(btf)  # type: ignore[arg-type]
    assert "--liveness netlink" in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("enum", "name"), [("netdev_state_t", "__LINK_STATE_NOCARRIER"), ("netdev_cmd", "NETDEV_UP")]
)
def test_enumerator_of_another_value_is_refused(enum: str, name: str) -> None:
    for value in (None, 99):
        btf = FakeBtf()
        btf.enums[enum] = {key: old for key, old in btf.enums[enum].items() if key != name}
        if value is not None:
            btf.enums[enum][name] = value
        with pytest.raises(NoBtf, match=f"{name} of enum {enum} is {value}"):
            kernel_offsets(btf)  # type: ignore[arg-type]
