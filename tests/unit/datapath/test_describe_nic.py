# SPDX-License-Identifier: GPL-2.0-only
"""What the programs are given of a synthetic NIC: whether other MACs send by it."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from netvsc_bpf.datapath import describe_nic
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import NicFact, PairState
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Liveness

ETH0 = Nic(2, "eth0", "00:22:48:0a:0b:0c", 1500, True, True, driver="virtio_net")
NONE = NicFact(0)
OTHER = bytes.fromhex("02000000000c")


@dataclass
class Loaded:
    """The maps, with one pair."""

    liveness: Liveness
    state: PairState

    def pair(self, _: int) -> PairState:
        return self.state


@dataclass
class Session:
    """What the kernel shows of the NICs."""

    nics: tuple[Nic, ...]
    rtnl: None = None


def described(
    monkeypatch: pytest.MonkeyPatch,
    liveness: Liveness,
    *above: Nic,
    secondary: frozenset[bytes] = frozenset(),
    facts: NicFact = NONE,
    plain: int = ETH0.ifindex,
) -> bool:
    """Whether the programs need not be given anything."""
    monkeypatch.setattr(describe_nic.address_lists, "unicast_list", lambda rtnl, ifindex: set(secondary))
    state = PairState(address=abi.address(ETH0.mac), facts=facts, plain_ifindex=plain)
    session: Any = Session((ETH0, *above))
    loaded: Any = Loaded(liveness, state)
    return describe_nic.is_described(session, loaded, ETH0, 0)


def test_s78_a_nic_alone_has_no_senders(monkeypatch: pytest.MonkeyPatch) -> None:
    assert described(monkeypatch, Liveness.FENTRY)
    assert not described(monkeypatch, Liveness.FENTRY, facts=NicFact.SENDERS, plain=0)


def test_s78_a_device_with_a_mac_of_its_own_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    macvlan = replace(ETH0, ifindex=3, mac=OTHER.hex(":"), kind="macvlan", link=2)
    assert not described(monkeypatch, Liveness.FENTRY, macvlan)
    assert described(monkeypatch, Liveness.FENTRY, macvlan, facts=NicFact.SENDERS, plain=0)


def test_s78_a_macvlan_in_another_network_namespace_sends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentinel notices it when it is made; what it noticed must not be undone."""
    elsewhere = frozenset({OTHER})
    assert not described(monkeypatch, Liveness.FENTRY, secondary=elsewhere)
    assert described(monkeypatch, Liveness.FENTRY, secondary=elsewhere, facts=NicFact.SENDERS, plain=0)
    assert described(monkeypatch, Liveness.LIVE, secondary=elsewhere, plain=0), "steer notes it in any case"
