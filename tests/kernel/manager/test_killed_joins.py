# SPDX-License-Identifier: GPL-2.0-only
"""A join that was killed before any of its steps: the next manager finishes it, whatever had been done."""

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.config import ManagerConfig
from netvsc_bpf.manager.reconcile import Reconciler
from netvsc_bpf.manager.tell import Teller
from netvsc_bpf.model.path import Path
from tests.kernel.direct import direct
from tests.kernel.faults import Steps, changes, killed_at, stepping
from tests.kernel.support.waiting import eventually

CONFIG = ManagerConfig(interfaces=("eth0",), options=AttachOptions(any_bus=True), settle_ms=10)
OPTIONS = AttachOptions(vf="vf0", settle_ms=10)


def test_s27_manager_finishes_a_join_killed_before_any_step(lab: Lab) -> None:
    lab.run(lab.guest, ["ip", "link", "set", "vf0", "down", "mtu", "1400"])
    with direct(lab) as here:
        with stepping(Steps()) as steps:
            here.attach()
        here.detach()
        for at in changes(steps.names):
            where = f"killed before {steps.names[at]} (call {at})"
            killed_at(lab, at, lambda: datapath.attach("eth0", OPTIONS))
            reconcile = Reconciler(CONFIG, Teller(lambda event: None))

            def used(reconcile: Reconciler = reconcile) -> bool:
                lab.in_guest(reconcile)
                return here.status().path is Path.VF

            eventually(where, used)
            here.detach()
