# SPDX-License-Identifier: GPL-2.0-only
"""A true VF that has a link and transmits into nothing: the probe notices."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.manager import own_manager_of
from tests.kernel.support.waiting import eventually
from tests.vm.sriov import PEER_ADDRESS, SYNTHETIC, SriovPair, tc
from tests.vm.streams import go_on, udp

pytestmark = [pytest.mark.guest, pytest.mark.newest, pytest.mark.timeout(600)]

PROBE = {
    "interfaces": (SYNTHETIC,),
    "probe": True,
    "probe_targets": (PEER_ADDRESS,),
    "hold_s": 2.0,
    # What is dropped in front of the driver is not transmitted either; here the probe is what is tested.
    "stall_intervals": 1000,
}


PREFERENCE = "7777"


@contextmanager
def swallowed(vf: str) -> Iterator[None]:
    """Drop what is sent by the VF, behind steer and in front of the driver."""
    subprocess.run(["modprobe", "-a", "sch_ingress", "cls_matchall", "act_gact"], check=True)
    # The qdisc of home's interim filter stays where home has its link.
    ours = "clsact" not in tc("qdisc", "show", "dev", vf)
    if ours:
        tc("qdisc", "add", "dev", vf, "clsact")
    try:
        tc("filter", "add", "dev", vf, "egress", "pref", PREFERENCE, "matchall", "action", "drop")
        yield
    finally:
        tc("filter", "del", "dev", vf, "egress", "pref", PREFERENCE)
        if ours:
            tc("qdisc", "del", "dev", vf, "clsact")


@pytest.mark.parametrize("any_pair", ["virtio_net", "hv_netvsc-enslaved"], indirect=True)
def test_s96_true_vf_that_transmits_into_nothing_is_left_and_used_again_once_it_answers(
    any_pair: SriovPair,
) -> None:
    vf = any_pair.plug()
    with own_manager_of(any_pair, **PROBE) as manager:
        manager.wait_event("joined", vf.name)
        any_pair.wait_for(Path.VF)
        eventually("an answer", lambda: (manager.asked_status()["probe"] or {}).get("state") == "reachable")
        with udp() as stream:
            go_on(stream)
            with swallowed(vf.name):
                manager.wait_event("unreachable", PEER_ADDRESS)
                manager.wait_path(Path.SYNTHETIC, Reason.UNREACHABLE)
                manager.wait_event("probed", "was at fault")
                go_on(stream)
            eventually("the VF is used again", lambda: any_pair.status().path is Path.VF)
            go_on(stream)
