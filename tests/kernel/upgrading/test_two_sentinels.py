# SPDX-License-Identifier: GPL-2.0-only
"""While programs are changed both sentinels are attached: no gap between them, and nothing counted twice."""

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Liveness, Path
from tests.kernel.direct import direct
from tests.kernel.faults import Steps, killed_at, stepping
from tests.kernel.machine import pins
from tests.kernel.support.versions import Versions, assert_of_one_version, hooked
from tests.kernel.support.waiting import eventually

OPTIONS = AttachOptions(vf="vf0", settle_ms=10)
HOOK = "call_netdevice_notifiers_info"


@pytest.mark.guest
@pytest.mark.newest
@pytest.mark.timeout(300)
def test_s65_two_sentinels_at_once_count_a_failure_once(lab: Lab, versions: Versions) -> None:
    with direct(lab) as here:
        if here.attach().status.liveness is not Liveness.FENTRY:
            pytest.skip("this kernel refuses fentry programs: there is no sentinel to have twice")
        versions.next()
        with stepping(Steps()) as steps:
            here.attach()
        moves = [at for at, name in enumerate(steps.names) if name == "move"]
        versions.next()
        killed_at(lab, moves[1], lambda: datapath.attach("eth0", OPTIONS))  # before the first pin is replaced
        assert len([path for path in pins() if path.name == HOOK]) == 2
        for _ in range(2):
            before = here.status()
            assert before.path is Path.VF
            lab.vf_down()
            after = here.status()
            assert (after.path, after.path_changes) == (Path.SYNTHETIC, before.path_changes + 1)
            lab.vf_up()
            here.attach()  # the first time it finishes the upgrade
            eventually("the VF is used again", lambda: here.status().path is Path.VF)
            assert_of_one_version(hooked(lab))
            assert len([path for path in pins() if path.name == HOOK]) == 1
