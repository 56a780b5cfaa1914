# SPDX-License-Identifier: GPL-2.0-only
"""What a pair of hv_netvsc received, from the driver's own counters: `ethtool -S`, one answer."""

from dataclasses import replace

import pytest

from netvsc_bpf.datapath import received_traffic as module
from netvsc_bpf.datapath.received_traffic import counters_now, received_traffic
from netvsc_bpf.kernel.net import netvsc_statistics
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode
from netvsc_bpf.model.status import PathTraffic, Traffic

ETH0 = Nic(2, "eth0", "00:15:5d:01:02:03", 1500, True, True, driver="hv_netvsc", rx_packets=9, rx_bytes=900)


@pytest.fixture
def counters(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What the driver counts, in two channels and for its VFs."""
    counted = {
        "rx_queue_0_packets": 5,
        "rx_queue_0_bytes": 500,
        "rx_queue_0_xdp_drop": 77,
        "rx_queue_1_packets": 1,
        "rx_queue_1_bytes": 100,
        "vf_rx_packets": 3,
        "vf_rx_bytes": 258,
    }
    monkeypatch.setattr(netvsc_statistics, "statistics", lambda name: counted)
    monkeypatch.setattr(netvsc_statistics.socket, "if_indextoname", lambda ifindex: "eth0")
    return counted


def since(found: module.abi.Found, guard: GuardMode = GuardMode.OFF) -> PathTraffic:
    return received_traffic(PathTraffic(), found, ETH0, guard)


def test_paths_are_counted_from_attach_on_with_the_header_of_each_frame(counters: dict[str, int]) -> None:
    found = counters_now(ETH0)
    assert since(found) == PathTraffic()
    counters |= {"rx_queue_1_packets": 3, "rx_queue_1_bytes": 300, "vf_rx_packets": 7, "vf_rx_bytes": 602}
    assert since(found) == PathTraffic(vf=Traffic(4, 4 * (86 + 14)), synthetic=Traffic(2, 200))


def test_what_the_vf_receives_takes_nothing_from_the_other_path(counters: dict[str, int]) -> None:
    """The dump with the totals may be older: less what came by the VF since, they would go backwards."""
    found = counters_now(ETH0)
    for _ in range(3):
        counters["vf_rx_packets"] += 1000
        assert since(found).synthetic == Traffic()


def test_channels_that_the_driver_made_anew_count_from_0(counters: dict[str, int]) -> None:
    found = counters_now(ETH0)
    counters |= {"rx_queue_0_packets": 2, "rx_queue_0_bytes": 200, "rx_queue_1_packets": 0}
    counters["rx_queue_1_bytes"] = 0
    assert since(found).synthetic == Traffic(2, 200)


def test_guard_counts_the_synthetic_path_where_it_runs(counters: dict[str, int]) -> None:
    counted = PathTraffic(synthetic=Traffic(8, 800))
    assert received_traffic(counted, module.abi.Found(), ETH0, GuardMode.ALL).synthetic == Traffic(8, 800)


def test_another_driver_has_the_totals_of_its_nic() -> None:
    virtio = replace(ETH0, driver="virtio_net")
    found = counters_now(virtio)
    later = replace(virtio, rx_packets=12, rx_bytes=1200)
    assert received_traffic(PathTraffic(), found, later, GuardMode.OFF).synthetic == Traffic(3, 300)
