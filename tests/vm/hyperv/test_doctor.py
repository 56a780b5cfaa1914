# SPDX-License-Identifier: GPL-2.0-only
"""What the doctor says of Hyper-V is so: the host and the queueing disciplines are asked themselves."""

import json

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.doctor.examine import examine
from netvsc_bpf.doctor.hyperv import CHECK
from tests.kernel.support.waiting import eventually
from tests.vm.hyperv.pair import HypervPair, Shape
from tests.vm.sriov import SYNTHETIC, ip, tc

pytestmark = [
    pytest.mark.guest,
    pytest.mark.newest,
    pytest.mark.timeout(600),
    pytest.mark.parametrize("hyperv", [Shape.ENSLAVED], indirect=True),
]
PINGS = 10


def said() -> list[str]:
    """What the doctor has to say of the host, and of the driver."""
    return [finding.what for finding in examine() if finding.check == CHECK]


def passed(interface: str) -> int:
    """Packets that the queueing disciplines of an interface let out."""
    shown = json.loads(tc("-s", "-j", "qdisc", "show", "dev", interface, "root"))
    return sum(int(qdisc["packets"]) for qdisc in shown if qdisc.get("root"))


def transmits(interface: str) -> bool:
    """Return whether the interface has carrier, and linkwatch has activated its queueing discipline.

    linkwatch_do_dev() sets the operational state just before dev_activate(), both under RTNL, which `ip link`
    takes too. The name of the queueing discipline shows neither: dev_deactivate() leaves it in place.
    """
    return " state UP " in ip("link", "show", interface)


def waited(pair: HypervPair, *interfaces: str) -> list[bool]:
    """Return in the qdiscs of which interfaces pings to the peer wait."""
    before = [passed(one) for one in interfaces]
    pair.ping(count=PINGS)
    return [passed(one) >= then + PINGS for one, then in zip(interfaces, before, strict=True)]


def test_what_the_doctor_says_of_hyper_v_is_so_in_each_shape_and_s42_one_qdisc_counts(
    hyperv: HypervPair,
) -> None:
    (nothing,) = said()
    assert nothing.startswith(f"the host offers no VF for {SYNTHETIC}: accelerated networking")

    vf = hyperv.plug()
    eventually("the host delivers by the VF", lambda: hyperv.nic.datapath == "vf")
    eventually("the VF transmits", lambda: transmits(vf.name))
    eventually("the peer answers", lambda: hyperv.ping(check=False))
    path, twice = said()
    assert path == f"the host delivers to {vf.name}, because {vf.name} (igbvf) is up"
    assert twice.startswith(f"packets that hv_netvsc sends by the VF wait in the mq of {SYNTHETIC} and the ")
    assert waited(hyperv, SYNTHETIC, vf.name) == [True, True]
    hyperv.use()
    assert said() == [path]
    assert waited(hyperv, SYNTHETIC, vf.name) == [False, True]

    hyperv.up(False)
    eventually("the host delivers by VMBus", lambda: hyperv.nic.datapath == "synthetic")
    assert said() == [f"the host delivers to {SYNTHETIC}, because {vf.name} (igbvf) is down"]
    datapath.detach(SYNTHETIC)
    hyperv.unplug()

    hyperv.shape = Shape.APART
    apart = hyperv.plug()
    ip("link", "set", apart.name, "up")
    eventually("the VF would transmit", lambda: transmits(apart.name))
    assert said() == [
        f"hv_netvsc did not enslave {apart.name}, so the host is not notified of path changes: "
        "`run` announces them"
    ]
    assert (hyperv.nic.datapath, waited(hyperv, SYNTHETIC, apart.name)) == ("synthetic", [True, False])
