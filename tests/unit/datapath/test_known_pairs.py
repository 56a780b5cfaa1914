# SPDX-License-Identifier: GPL-2.0-only
"""Whose VF a NIC was when the NICs were looked at, though it has gone since."""

from types import SimpleNamespace
from typing import Any

import pytest

from netvsc_bpf.datapath.known_pairs import known_pairs
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.model.nic import Nic

SYNTHETIC, VF = 3, 5
MAC = "02:00:00:00:00:05"


def found(vf: int = VF) -> abi.Found:
    """How the machine was found: the VF that the pair was last joined to, and the MAC that it was given."""
    made = abi.Found(vf_ifindex=vf)
    made.followed_mac[:6] = list(bytes.fromhex(MAC.replace(":", "")))
    return made


def known_vf(*, in_devmap: int | None, looked_at: str | None, joined: int = VF) -> int | None:
    nics = {VF: Nic(VF, "vf0", looked_at, mtu=1500, up=True, carrier=True)} if looked_at is not None else {}
    session: Any = SimpleNamespace(attached=lambda: [SYNTHETIC], nic=nics.get)
    loaded: Any = SimpleNamespace(
        pair=lambda _: abi.PairState(synthetic_ifindex=SYNTHETIC),
        found=lambda _: found(joined),
        vf_ifindex=lambda _: in_devmap,
    )
    pair = known_pairs(session, loaded).of(SYNTHETIC)
    assert pair is not None
    return pair.vf


@pytest.mark.parametrize(
    ("in_devmap", "looked_at", "vf"),
    [
        pytest.param(VF, MAC, VF, id="there"),
        pytest.param(None, MAC, VF, id="removed-since-the-look"),
        pytest.param(None, None, None, id="removed-before-it"),
        pytest.param(None, "02:00:00:00:00:06", None, id="another-has-its-number"),
    ],
)
def test_s86_vf_of_a_pair(in_devmap: int | None, looked_at: str | None, vf: int | None) -> None:
    assert known_vf(in_devmap=in_devmap, looked_at=looked_at) == vf


def test_s86_released_pair_has_no_vf() -> None:
    assert known_vf(in_devmap=None, looked_at=MAC, joined=0) is None
