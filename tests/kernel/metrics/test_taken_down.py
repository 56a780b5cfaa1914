# SPDX-License-Identifier: GPL-2.0-only
"""A VF that the manager took down is distinguished from one set down externally."""

from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.reconcile.reconciler import Reconciler
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.model.path import Path
from tests.kernel.support.attachment import attached
from tests.kernel.support.damping import damping_manager
from tests.kernel.support.scraping import collecting
from tests.kernel.support.waiting import eventually

CONFIG = ManagerConfig(interfaces=("eth0",), options=AttachOptions(any_bus=True), settle_ms=10)


def test_s101_vf_that_was_taken_down_is_visible_until_it_is_used_again(lab: Lab) -> None:
    with attached(lab, settle_ms=10) as pair:
        scrape = collecting(lab)
        assert scrape().value("vf_taken_down", interface="eth0") == 0
        lab.vf_down()
        assert scrape().value("vf_taken_down", interface="eth0") == 0, "somebody else did"
        lab.vf_up()
        lab.in_guest(damping_manager(lab, CONFIG))
        found = scrape()
        assert (
            found.value("vf_taken_down", interface="eth0"),
            found.value("vf_damped", interface="eth0"),
        ) == (1, 1)
        calm = Reconciler(CONFIG, Reporter(lambda event: None))

        def used() -> bool:
            lab.in_guest(calm)
            return pair.status().path is Path.VF

        eventually("the VF is used again", used)
        lab.vf_down()
        assert scrape().value("vf_taken_down", interface="eth0") == 0, "what was noted is struck"
