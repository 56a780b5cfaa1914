# SPDX-License-Identifier: GPL-2.0-only
"""RTM_NEWLINK to Nic, on messages that went through the wire format; and the dump around it."""

import errno
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from netvsc_bpf.discovery.link_message import Link, NoCounters
from netvsc_bpf.discovery.nics import get_nic, list_nics
from netvsc_bpf.kernel.net.rtnetlink import Message, attributes
from netvsc_bpf.model.errors import KernelError, NoSuchNic
from netvsc_bpf.model.nic import Nic
from tests.unit.discovery.shapes import (
    ETH0_GUID,
    LOOPBACK,
    NETVSC,
    VETH,
    VF,
    VIRTIO,
    add_device,
    add_slot,
    newlink,
)

RTM_GETLINK = 18


class FakeRtnetlink:
    """Answers like Rtnetlink: with messages, or by raising an error given instead."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def dump(self, kind: int, body: bytes, *, whole: bool) -> Any:
        assert (kind, whole) == (RTM_GETLINK, True)
        return self._given()

    def ask(self, kind: int, body: bytes) -> Any:
        assert kind == RTM_GETLINK
        self.asked = body
        return self._given()

    def _given(self) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def faked(answer: Any) -> Any:
    """Return a socket that has one answer, of the type that mypy is content with."""
    return FakeRtnetlink(answer)


def decoded(message: Message) -> Nic:
    return Link(message.body).nic()


@pytest.fixture
def azure_sysfs(tmp_path: Path) -> Path:
    add_device(tmp_path, "vmbus", ETH0_GUID, "hv_netvsc")
    add_device(tmp_path, "pci", "7c4b:00:02.0", "mlx5_core")
    add_slot(tmp_path, "1", "7c4b:00:02")
    return tmp_path


def test_azure_pair_is_read_with_drivers_and_serial(azure_sysfs: Path) -> None:
    enslaved = replace(VF, master=NETVSC.ifindex)
    rtnl = faked([newlink(LOOPBACK), newlink(NETVSC), newlink(enslaved)])
    assert list_nics(rtnl, azure_sysfs) == [LOOPBACK, NETVSC, enslaved]


def test_kind_is_used_as_driver_of_a_virtual_device() -> None:
    nic = decoded(newlink(VETH))
    assert (nic.kind, nic.driver, nic.bus, nic.parent) == ("veth", "veth", None, None)


def test_admin_state_and_carrier_are_distinguished() -> None:
    nic = decoded(newlink(replace(VF, up=True, carrier=False)))
    assert (nic.up, nic.carrier) == (True, False)


def test_layer_3_device_has_an_empty_mac() -> None:
    assert decoded(newlink(replace(VETH, mac="", link_type=65534))).mac == ""


def test_counters_come_from_the_64_bit_statistics() -> None:
    counters = {"rx_packets": 2**33, "rx_bytes": 2**40, "tx_dropped": 4}
    nic = decoded(newlink(VF, attributes=[("IFLA_STATS64", counters)]))
    assert (nic.rx_packets, nic.rx_bytes, nic.tx_dropped) == (2**33, 2**40, 4)


def test_ipv6_state_is_read_where_there_is_one() -> None:
    inet6 = [("IFLA_INET6_CONF", {"disable_ipv6": 1}), ("IFLA_INET6_ADDR_GEN_MODE", 1)]
    spec = ("IFLA_AF_SPEC", {"attrs": [("AF_INET6", {"attrs": inet6})]})
    nic = decoded(newlink(VF, attributes=[spec]))
    assert (nic.ipv6_disabled, nic.addr_gen_mode) == (True, 1)


def test_ipv6_state_is_unknown_without_ipv6() -> None:
    nic = decoded(newlink(VF))
    assert (nic.ipv6_disabled, nic.addr_gen_mode) == (None, None)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ([("IFLA_XDP_ATTACHED", 0)], (None, False)),
        ([("IFLA_XDP_ATTACHED", 1), ("IFLA_XDP_PROG_ID", 6), ("IFLA_XDP_DRV_PROG_ID", 6)], (6, False)),
        ([("IFLA_XDP_ATTACHED", 2), ("IFLA_XDP_PROG_ID", 7), ("IFLA_XDP_SKB_PROG_ID", 7)], (7, True)),
        ([("IFLA_XDP_ATTACHED", 4), ("IFLA_XDP_DRV_PROG_ID", 8), ("IFLA_XDP_SKB_PROG_ID", 9)], (8, False)),
    ],
)
def test_xdp_program_is_found_in_every_mode(
    attributes: list[tuple[str, int]], expected: tuple[int | None, bool]
) -> None:
    nic = decoded(newlink(NETVSC, attributes=[("IFLA_XDP", {"attrs": attributes})]))
    assert (nic.xdp_prog_id, nic.xdp_generic) == expected


def test_dump_that_is_always_interrupted_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match="list interfaces") as caught:
        list_nics(faked(InterruptedError(errno.EINTR, "it changed")), tmp_path)
    assert caught.value.errno == errno.EINTR


def test_refused_dump_keeps_the_errno_of_the_kernel(tmp_path: Path) -> None:
    with pytest.raises(KernelError) as caught:
        list_nics(faked(PermissionError(errno.EPERM, "no")), tmp_path)
    assert caught.value.errno == errno.EPERM


@pytest.mark.parametrize("which", ["eth0", 2])
def test_one_nic_is_asked_for_by_name_or_ifindex(azure_sysfs: Path, which: int | str) -> None:
    rtnl = faked(newlink(NETVSC))
    assert get_nic(rtnl, which, azure_sysfs) == NETVSC
    (ifindex,) = struct.unpack_from("=i", rtnl.asked, 4)
    name = attributes(rtnl.asked[16:]).get(3)
    assert (ifindex, name) == ((0, b"eth0\0") if which == "eth0" else (2, None))


@pytest.mark.parametrize(("which", "said"), [("eth9", "eth9: no such"), (9, "ifindex 9: no such")])
def test_nic_that_is_not_there_is_named_in_the_error(tmp_path: Path, which: int | str, said: str) -> None:
    with pytest.raises(NoSuchNic, match=said):
        get_nic(faked(OSError(errno.ENODEV, "no such device")), which, tmp_path)


def test_name_that_is_no_text_is_read_all_the_same() -> None:
    message = newlink(NETVSC)
    strange = Message(message.kind, message.body.replace(b"eth0\0", b"et\xff0\0"))
    assert decoded(strange).name == "et\udcff0"


def test_s87_alternative_names_and_the_permanent_address_are_read() -> None:
    longest = "n" * 127
    names = [("IFLA_ALT_IFNAME", "enP31819p0s2"), ("IFLA_ALT_IFNAME", longest)]
    extra = [("IFLA_PROP_LIST", {"attrs": names}), ("IFLA_PERM_ADDRESS", bytes.fromhex("0022480a0b0c"))]
    nic = decoded(newlink(VF, attributes=extra))
    assert nic.altnames == ("enP31819p0s2", longest)
    assert nic.permanent_mac == "00:22:48:0a:0b:0c"
    assert (decoded(newlink(VF)).altnames, decoded(newlink(VF)).permanent_mac) == ((), None)


@pytest.mark.parametrize(("name", "kind"), [("eth0", 3), ("n" * 15, 3), ("n" * 16, 53), ("n" * 127, 53)])
def test_s87_long_names_are_asked_for_as_alternative_ones(name: str, kind: int) -> None:
    rtnl = faked(newlink(NETVSC))
    get_nic(rtnl, name)
    assert attributes(rtnl.asked[16:]) == {kind: name.encode() + b"\0"}


def test_counters_that_the_kernel_did_not_send_are_not_taken_for_zeros() -> None:
    with pytest.raises(NoCounters):
        Link(newlink(VF, counted=False).body).nic()


@pytest.mark.parametrize(("filtering", "aware"), [(None, False), (0, False), (1, True)])
def test_bridge_that_filters_by_vlan_is_recognised(filtering: int | None, aware: bool) -> None:
    data = [] if filtering is None else [("IFLA_BR_VLAN_FILTERING", filtering)]
    info = {"attrs": [("IFLA_INFO_KIND", "bridge"), ("IFLA_INFO_DATA", {"attrs": data})]}
    found = decoded(newlink(VIRTIO, attributes=[("IFLA_LINKINFO", info)]))
    assert (found.kind, found.vlan_aware) == ("bridge", aware)
