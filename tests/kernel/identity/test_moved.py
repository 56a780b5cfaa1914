# SPDX-License-Identifier: GPL-2.0-only
"""A NIC of a pair in another network namespace, where the numbers of its pair are those of other NICs.

Its programs go along, on tcx: no packet may leave or enter by a NIC that is not the pair's.
"""

import json
from collections.abc import Iterator

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.conftest import LabFactory
from tests.kernel.direct import direct, force_clsact
from tests.kernel.support.devices import link
from tests.kernel.support.frames import GUEST_MAC, OTHER_MAC, Tap, ethernet, send, udp
from tests.kernel.support.pod import Pod, pods
from tests.kernel.support.waiting import eventually

FRAMES = 20
PORT = 7000
OURS = b"of the pair"
ON_NEWEST = [pytest.mark.guest, pytest.mark.newest]


@pytest.fixture(params=["tcx", "clsact"])
def lab(
    request: pytest.FixtureRequest, lab_factory: LabFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lab]:
    """Two pairs, attached and armed."""
    if request.param == "clsact":
        force_clsact(monkeypatch)
    made = lab_factory(LabPlan(pairs=2, fabric=Fabric.NONE))
    with direct(made) as attaching:
        for interface in ("eth0", "eth1"):
            assert attaching.attach(interface).status.path is Path.VF
        yield made


@pytest.fixture
def pod(lab: Lab) -> Iterator[Pod]:
    with pods(lab) as make:
        yield make()


def number(lab: Lab, interface: str) -> int:
    return lab.ifindex(lab.guest, interface)


def occupy(pod: Pod, *numbers: int) -> None:
    """Give each ifindex to a foreign NIC, called foreign<number>, whose other end is up too."""
    for one in numbers:
        pod.ip(
            *f"link add foreign{one} index {one} type veth peer foreign{one}p netns {pod.lab.peer}".split()
        )
        pod.ip("link", "set", f"foreign{one}", "up")
        pod.lab.run(pod.lab.peer, ["ip", "link", "set", f"foreign{one}p", "up"])


def move(pod: Pod, interface: str) -> int:
    """Move a NIC of the guest to the pod, bring it up, and return its number there.

    The kernel sends nothing from either end before its link watch has seen the carrier (dev_activate()).
    """
    lab = pod.lab
    lab.run(lab.guest, ["ip", "link", "set", interface, "netns", pod.name])
    pod.ip("link", "set", interface, "up")
    for namespace, end in ((pod.name, interface), (lab.fabric, interface.replace("eth", "syn"))):
        eventually(f"{end} is up", lambda ns=namespace, end=end: link(lab, ns, end)["operstate"] == "UP")
    return lab.ifindex(pod.name, interface)


def ours(tap: Tap) -> int:
    """How many frames of the pair a tap has seen."""
    return len(tap.seen(OURS))


def count_arrivals(pod: Pod, *interfaces: str) -> None:
    """Have nft count our datagrams by the interface that they enter by."""
    rules = "\n".join(f'iifname "{one}" udp dport {PORT} counter comment "{one}"' for one in interfaces)
    chain = f"type filter hook prerouting priority -300; policy accept;\n{rules}"
    pod.lab.run(pod.name, ["nft", f"table inet arrivals {{\nchain in {{\n{chain}\n}}\n}}"])


def arrivals(pod: Pod) -> dict[str, int]:
    listed = json.loads(pod.lab.run(pod.name, ["nft", "-j", "list", "ruleset"]).stdout)["nftables"]
    rules = [entry["rule"] for entry in listed if "rule" in entry]
    packets = (next(one["counter"]["packets"] for one in rule["expr"] if "counter" in one) for rule in rules)
    return dict(zip((rule["comment"] for rule in rules), packets, strict=True))


@pytest.mark.parametrize(
    "pair", [0, pytest.param(1, marks=ON_NEWEST)], ids=["own-number", "other-pairs-number"]
)
def test_s72_synthetic_nic_elsewhere_sends_by_no_other_nic(lab: Lab, pod: Pod, pair: int) -> None:
    target = number(lab, f"eth{pair}")
    foreign = number(lab, f"vf{pair}")
    occupy(pod, *(range(2, target) if pair else ()), foreign)
    assert move(pod, "eth0") == target, "the kernel gives the number that the pair has at home"
    frame = ethernet(OTHER_MAC, OURS, source=GUEST_MAC)
    with Tap(lab.fabric, "syn0") as own, Tap(lab.peer, f"foreign{foreign}p") as other:
        send(pod.name, "eth0", *[frame] * FRAMES)
        eventually("all frames by the NIC itself", lambda: ours(own) == FRAMES)
        assert ours(other) == 0


@pytest.mark.parametrize(
    "pair", [0, pytest.param(1, marks=ON_NEWEST)], ids=["own-number", "other-vfs-number"]
)
def test_s72_frames_of_a_vf_elsewhere_enter_by_no_other_nic(lab: Lab, pod: Pod, pair: int) -> None:
    target = number(lab, f"vf{pair}")
    trusted = number(lab, f"eth{pair}")
    occupy(pod, *(range(2, target) if pair else (trusted,)))
    assert move(pod, "vf0") == target, "the kernel gives the number that the pair has at home"
    count_arrivals(pod, "vf0", f"foreign{trusted}")
    send(lab.fabric, "vf0", *[udp(GUEST_MAC, "10.98.0.2", "10.98.0.1", PORT, OURS)] * FRAMES)
    eventually("all frames by the VF itself", lambda: arrivals(pod)["vf0"] == FRAMES)
    assert arrivals(pod)[f"foreign{trusted}"] == 0


def test_s72_frames_of_the_vf_enter_by_no_nic_that_has_the_number_of_a_moved_one(lab: Lab, pod: Pod) -> None:
    trusted = number(lab, "eth0")
    move(pod, "eth0")
    lab.run(lab.guest, f"ip link add late index {trusted} type veth peer name latep".split())
    lab.run(lab.guest, ["ip", "link", "set", "late", "up"])
    with Tap(lab.guest, "vf0") as own, Tap(lab.guest, "late") as other:
        send(lab.fabric, "vf0", *[ethernet(GUEST_MAC, OURS)] * FRAMES)
        eventually("all frames by the VF itself", lambda: ours(own) == FRAMES)
        assert ours(other) == 0


def test_s72_new_nic_with_the_number_of_a_moved_one_is_attached_and_the_moved_one_is_not(
    lab: Lab, pod: Pod
) -> None:
    """The links that the moved NIC took along have the number that they are looked for by."""
    moved = number(lab, "eth0")
    occupy(pod, number(lab, "vf0"))
    assert move(pod, "eth0") == moved
    late = f"ip link add eth0 index {moved} address 00:15:5d:01:02:03 type veth peer name latep"
    lab.run(lab.guest, [*late.split(), "netns", lab.peer])
    lab.run(lab.peer, ["ip", "link", "set", "latep", "up"])
    lab.run(lab.guest, ["ip", "link", "set", "eth0", "up"])
    options = AttachOptions(vf="vf0", any_bus=True, settle_ms=10)
    assert lab.in_guest(datapath.attach, "eth0", options).status.path is Path.VF
    frame = ethernet(OTHER_MAC, OURS, source=GUEST_MAC)
    with Tap(lab.fabric, "vf0") as by_vf, Tap(lab.fabric, "syn0") as own:
        send(lab.guest, "eth0", *[frame] * FRAMES)
        eventually("the new NIC's frames by the VF", lambda: ours(by_vf) == FRAMES)
        send(pod.name, "eth0", *[frame] * FRAMES)
        eventually("the moved NIC's frames by itself", lambda: ours(own) == FRAMES)
        assert ours(by_vf) == FRAMES
