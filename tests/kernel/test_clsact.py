# SPDX-License-Identifier: GPL-2.0-only
"""The clsact qdisc is added once, and never replaces a foreign one."""

import errno

import pytest

from netvsc_bpf.kernel.hooks import clsact
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.lab.topology import Lab


def add(ifindex: int) -> bool:
    with Rtnetlink() as rtnl:
        added = clsact.add_qdisc(rtnl, ifindex)
        assert clsact.has_qdisc(rtnl, ifindex)
    return added


def test_clsact_is_added_where_there_is_none_and_only_there(lab: Lab) -> None:
    ifindex = lab.ifindex(lab.guest, "eth0")
    assert [lab.in_guest(add, ifindex) for _ in range(3)] == [True, False, False]


def test_foreign_ingress_qdisc_prevents_clsact_and_stays(lab: Lab) -> None:
    lab.run(lab.guest, ["tc", "qdisc", "add", "dev", "eth0", "ingress"])
    with pytest.raises(OSError) as refused:
        lab.in_guest(add, lab.ifindex(lab.guest, "eth0"))
    assert refused.value.errno == errno.EEXIST
    assert "ingress" in lab.run(lab.guest, ["tc", "qdisc", "show", "dev", "eth0"]).stdout
