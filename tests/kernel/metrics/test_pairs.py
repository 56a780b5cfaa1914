# SPDX-License-Identifier: GPL-2.0-only
"""What the collector says of a pair is what the kernel says."""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from netvsc_bpf import __version__
from netvsc_bpf.discovery.counter_dumps import CounterDumps
from netvsc_bpf.discovery.nics import SYSFS, list_nics
from netvsc_bpf.discovery.sysfs import driver_of
from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.kernel.bpf.abi import ABI_VERSION
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.bpf.program_stats import stats_enabled
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.metrics import snapshot
from netvsc_bpf.metrics.collector import PairCollector
from netvsc_bpf.metrics.manager_stats import ManagerStats
from netvsc_bpf.metrics.snapshot import SnapshotReader
from netvsc_bpf.metrics.text import encode
from netvsc_bpf.metrics.vf_problems import Problem, look_up
from netvsc_bpf.model.path import GuardMode, Path
from tests.kernel.commands import refused
from tests.kernel.conftest import Cli, LabFactory
from tests.kernel.support.attachment import attached
from tests.kernel.support.devices import NO_FABRIC, link, silence
from tests.kernel.support.frames import GUEST_MAC, OTHER_MAC, ethernet, send
from tests.kernel.support.scraping import Scrape, collecting
from tests.kernel.support.waiting import eventually

SIZE = 100
OUT = ethernet(OTHER_MAC, bytes(SIZE - 14), source=GUEST_MAC)
IN = ethernet(GUEST_MAC, bytes(SIZE - 14))
SETTLE_MS = 20


def packets(found: Scrape, direction: str, path: str) -> float | None:
    return found.value("packets_total", interface="eth0", direction=direction, path=path)


def test_the_quick_dump_says_what_the_thorough_one_says(lab: Lab) -> None:
    def both() -> None:
        with Rtnetlink() as rtnl:
            quick = CounterDumps()(rtnl, partial(driver_of, SYSFS))
            thorough = list_nics(rtnl)
        compared = ("ifindex", "name", "mac", "mtu", "up", "carrier", "kind", "driver", "master")
        counted = (
            "rx_packets",
            "rx_bytes",
            "tx_dropped",
            "rx_errors",
            "tx_errors",
            "rx_missed",
        )
        shown = [
            [tuple(getattr(nic, field) for field in (*compared, *counted)) for nic in nics]
            for nics in (quick, thorough)
        ]
        assert shown[0] == shown[1]
        assert {"lo", "eth0", "vf0"} <= {nic.name for nic in quick}

    silence(lab)
    lab.in_guest(both)


def test_a_scrape_says_what_status_says(lab_factory: Callable[[LabPlan], Lab]) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab) as pair:
        send(lab.guest, "eth0", *[OUT] * 7)
        # First what comes by the inactive path, or guard would take it for copies.
        send(lab.fabric, "syn0", *[ethernet(GUEST_MAC, bytes([1]) * (SIZE - 14))] * 3)
        eventually("three arrived", lambda: pair.status().rx.synthetic.packets >= 3)
        send(lab.fabric, "vf0", *[IN] * 5)
        eventually("all arrived", lambda: pair.status().rx.vf.packets >= 5)
        status, found = pair.status(), collecting(lab)()
        for direction, by_path in (("tx", status.tx), ("rx", status.rx)):
            for path, traffic in ((Path.VF, by_path.vf), (Path.SYNTHETIC, by_path.synthetic)):
                labels = {"interface": "eth0", "direction": direction, "path": path.value}
                assert found.value("packets_total", **labels) == traffic.packets
                assert found.value("bytes_total", **labels) == traffic.bytes
        assert (packets(found, "tx", "vf"), packets(found, "rx", "vf")) == (7, 5)
        assert found.value("vf_active", interface="eth0") == 1
        assert found.value("vf_present", interface="eth0") == 1
        assert found.value("vf_carrier", interface="eth0") == 1
        assert found.value("path_reason", interface="eth0", reason="armed") == 1
        (info,) = found.of("interface_info")
        assert dict(info) == {
            "interface": "eth0",
            "vf": "vf0",
            "driver": "veth",
            "vf_driver": "veth",
            "hook": status.hook.value,
            "liveness": status.liveness.value,
            "rx": status.rx_mode.value,
        }
        assert {name for labels in found.of("program_info") for key, name in labels if key == "program"} >= {
            "steer",
            "home",
            "guard",
            "control",
        }
    assert collecting(lab)().of("packets_total") == {}, "nothing is attached any more"


def test_s62_each_change_is_counted_by_where_to_and_why(lab: Lab) -> None:
    with attached(lab, settle_ms=SETTLE_MS) as pair, UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        scrape = collecting(lab)
        lab.vf_down()
        pair.wait_for(Path.SYNTHETIC)
        lab.vf_up()
        pair.wait_for(Path.VF)
        lab.vf_carrier(False)
        pair.wait_for(Path.SYNTHETIC)
        found, status = scrape(), pair.status()
        labels = {"interface": "eth0"}
        assert found.value("path_changes_total", **labels, to="vf", reason="armed") == 2
        assert found.value("path_changes_total", **labels, to="synthetic", reason="vf-down") == 1
        assert found.value("path_changes_total", **labels, to="synthetic", reason="no-carrier") == 1
        assert found.value("path_changes_total", **labels, to="synthetic", reason="vf-gone") == 0
        assert sum(found.of("path_changes_total").values()) == status.path_changes
        assert found.value("vf_carrier", **labels) == 0
        assert status.last_change is not None
        moment = found.value("last_path_change_timestamp_seconds", **labels)
        assert moment == pytest.approx(status.last_change.timestamp(), abs=1)
        assert scrape().value("last_path_change_timestamp_seconds", **labels) == moment, "it does not wander"


def test_s50_no_counter_goes_down_across_removal_and_return(lab: Lab) -> None:
    with attached(lab, settle_ms=SETTLE_MS) as pair, UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        scrape = collecting(lab)
        seen = [scrape()]
        for step in (lab.vf_down, lab.vf_up, lab.unplug_vf, lab.plug_vf):
            step()
            seen.append(scrape())
        assert seen[3].value("vf_present", interface="eth0") == 0
        assert seen[3].value("path_reason", interface="eth0", reason="no-vf") == 1
        pair.attach(settle_ms=SETTLE_MS)
        pair.wait_for(Path.VF)
        seen.append(scrape())
        for earlier, later in pairwise(seen):
            now = later.counters()
            for key, value in earlier.counters().items():
                assert now[key] >= value, key


def test_s53_what_the_vf_dropped_and_got_wrong_is_exported(lab: Lab) -> None:
    """veth counts no errors of its own; that the number is the kernel's is what can be shown here."""
    silence(lab)
    with attached(lab, settle_ms=SETTLE_MS):
        scrape = collecting(lab)
        scrape()
        # The guest's end is up, the other one is down: it drops what it is given, and may say so.
        lab.vf_carrier(False)
        for _ in range(9):
            with suppress(OSError):
                send(lab.guest, "vf0", OUT)
        stats = link(lab, lab.guest, "vf0")["stats64"]
        found = scrape()
        dropped, labels = stats["tx"]["dropped"], {"interface": "eth0", "direction": "tx", "reason": "vf"}
        assert found.value("drops_total", **labels) == dropped > 0
        assert found.value("vf_errors_total", interface="eth0", direction="rx") == stats["rx"]["errors"]
        assert found.value("vf_errors_total", interface="eth0", direction="tx") == stats["tx"]["errors"]
        assert found.value("vf_missed_total", interface="eth0") == 0
        lab.unplug_vf()
        assert scrape().value("drops_total", **labels) == dropped, "it is not forgotten with the VF"


def test_s13_address_route_and_mtu_of_a_vf_are_reported(lab: Lab) -> None:
    with attached(lab):
        scrape = collecting(lab)

        def reported() -> dict[str, float]:
            return {
                dict(labels)["problem"]: value for labels, value in scrape().of("vf_misconfigured").items()
            }

        assert reported() == {"address": 0, "route": 0, "mtu": 0}
        lab.run(lab.guest, ["ip", "address", "add", "192.0.2.1/32", "dev", "vf0"])
        assert reported() == {"address": 1, "route": 0, "mtu": 0}
        lab.run(lab.guest, ["ip", "route", "add", "198.51.100.0/24", "dev", "vf0"])
        assert reported() == {"address": 1, "route": 1, "mtu": 0}
        lab.run(lab.guest, ["ip", "link", "set", "vf0", "mtu", "1400"])
        assert reported() == {"address": 1, "route": 1, "mtu": 1}
        lab.unplug_vf()
        assert reported() == {"address": 0, "route": 0, "mtu": 0}


def test_the_command_prints_it_once_without_a_manager(netvsc_bpf_cli: Cli, lab: Lab) -> None:
    with attached(lab):
        done = netvsc_bpf_cli("metrics")
    assert (done.returncode, done.stderr) == (0, "")
    found = Scrape(done.stdout)
    assert found.value("scrape_success") == 1
    assert found.value("manager_up") == 0
    assert found.value("vf_active", interface="eth0") == 1
    assert found.of("build_info").keys() == {frozenset({("version", __version__), ("abi", str(ABI_VERSION))})}
    after = netvsc_bpf_cli("metrics")
    assert (after.returncode, Scrape(after.stdout).of("vf_active")) == (0, {})


def test_the_command_says_in_one_line_why_it_cannot(netvsc_bpf_cli: Cli, lab: Lab) -> None:
    with attached(lab):
        pins = NetnsPins(lab.in_guest(namespaces.current_inode))
        program = pins.map("pairs")
        fd = libbpf.obj_get(program)
        program.unlink()
        try:
            refused(netvsc_bpf_cli("metrics"), 3, "is missing", "detach --all")
        finally:
            libbpf.obj_pin(fd, program)
            os.close(fd)


@pytest.mark.parametrize("hook", ["steer", "home", "guard"])
def test_s64_what_was_detached_by_force_is_shown_as_drift(lab: Lab, hook: str) -> None:
    with attached(lab, guard=GuardMode.MULTICAST):
        scrape = collecting(lab)
        before = scrape().of("attachment_drift")
        labels = frozenset({("interface", "eth0"), ("hook", hook)})
        if labels not in before:
            pytest.skip("clsact filters are no links")
        assert set(before.values()) == {0}
        pins = NetnsPins(lab.in_guest(namespaces.current_inode))
        fd = libbpf.obj_get(pins.link(lab.ifindex(lab.guest, "eth0"), hook))
        try:
            libbpf.link_detach(fd)
        finally:
            os.close(fd)
        assert scrape().of("attachment_drift") == {**before, labels: 1}


def test_s64_pair_that_is_attached_anew_between_two_scrapes_has_no_drift(lab: Lab) -> None:
    scrape = collecting(lab)
    with attached(lab):
        before = scrape().of("attachment_drift")
        programs = scrape().of("program_info")
    assert not scrape().of("attachment_drift")
    with attached(lab):
        found = scrape()
        assert found.of("attachment_drift") == before and set(before.values()) == {0}
        assert found.of("program_info") == programs


def test_s64_link_whose_pin_was_removed_after_a_scrape_is_shown_as_drift(lab: Lab) -> None:
    with attached(lab):
        scrape = collecting(lab)
        before = scrape().of("attachment_drift")
        labels = frozenset({("interface", "eth0"), ("hook", "home")})
        if labels not in before:
            pytest.skip("clsact filters are no links")
        pins = NetnsPins(lab.in_guest(namespaces.current_inode))
        pins.link(lab.ifindex(lab.guest, "eth0"), "home").unlink()
        # A link goes with its pin after a grace period (bpf_free_inode()).
        eventually("home is missed", lambda: scrape().of("attachment_drift")[labels] == 1)


def test_s64_removed_sentinel_is_shown_as_drift(lab: Lab) -> None:
    with attached(lab):
        scrape = collecting(lab)
        before = scrape().of("attachment_drift")
        labels = frozenset({("interface", "eth0"), ("hook", "sentinel")})
        assert before[labels] == 0
        next(NetnsPins(lab.in_guest(namespaces.current_inode)).sentinel.iterdir()).unlink()
        assert scrape().of("attachment_drift") == {**before, labels: 1}


def test_runs_of_programs_are_shown_only_while_they_are_counted(
    lab_factory: Callable[[LabPlan], Lab],
) -> None:
    if stats_enabled():
        pytest.skip("kernel.bpf_stats_enabled is set on this machine")
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, guard=GuardMode.OFF):
        scrape = collecting(lab)
        send(lab.guest, "eth0", *[OUT] * 5)
        assert scrape().value("program_runs_total", program="steer") is None
        assert not stats_enabled(), "we do not turn it on"
        counting = libbpf.lib().bpf_enable_stats(0)  # BPF_STATS_RUN_TIME, until the descriptor is closed
        assert counting >= 0
        try:
            send(lab.guest, "eth0", *[OUT] * 7)
        finally:
            os.close(counting)
        send(lab.guest, "eth0", *[OUT] * 3)
        found = scrape()
        assert found.value("program_runs_total", program="steer") == 7
        assert (found.value("program_run_seconds_total", program="steer") or 0) > 0
        assert found.value("program_runs_total", program="home") is None


def test_a_pair_that_cannot_be_read_costs_the_others_nothing(
    lab_factory: LabFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_factory(LabPlan(pairs=2, fabric=Fabric.NONE))
    broken, really, failed = lab.ifindex(lab.guest, "eth0"), snapshot.read_pair, list[Exception | None]()
    stats, registry = ManagerStats(), CollectorRegistry()
    PairCollector(
        registry,
        SnapshotReader(),
        problems=look_up,
        manager_up=lambda: True,
        stats=stats,
        failed=failed.append,
    )

    def read_pair(loaded: Any, ifindex: int, steer: Any) -> Any:
        if ifindex == broken:
            raise ZeroDivisionError("injected")
        return really(loaded, ifindex, steer)

    def scrape() -> Scrape:
        return Scrape(lab.in_guest(encode, registry).decode())

    with attached(lab, "eth0"), attached(lab, "eth1"):
        monkeypatch.setattr(snapshot, "read_pair", read_pair)
        found = scrape()
        assert found.value("scrape_success") == 0
        assert found.value("reconcile_errors_total", reason="Exception") == 1
        assert {dict(labels)["interface"] for labels in found.of("vf_active")} == {"eth1"}
        assert [str(error) for error in failed] == ["injected"]
        monkeypatch.undo()
        found = scrape()
        assert found.value("scrape_success") == 1 and failed[1:] == [None]
        assert {dict(labels)["interface"] for labels in found.of("vf_active")} == {"eth0", "eth1"}


def test_a_vf_that_goes_while_it_is_looked_at_is_left_out(lab: Lab) -> None:
    def look() -> dict[int, frozenset[Problem]]:
        taken = SnapshotReader()()
        assert [pair.status.vf is not None for pair in taken.pairs] == [True]
        lab.unplug_vf()
        return dict(look_up(taken))

    with attached(lab):
        assert lab.in_guest(look) == {}
