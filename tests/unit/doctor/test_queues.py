# SPDX-License-Identifier: GPL-2.0-only
"""Queues, interrupts, backlogs and qdiscs, as sysfs, procfs and netlink show them."""

from pathlib import Path

import pytest

from netvsc_bpf.doctor.finding import Level
from netvsc_bpf.doctor.qdiscs import check_qdiscs
from netvsc_bpf.doctor.softnet import check_softnet, parse_softnet
from netvsc_bpf.doctor.vf_queues import Spread, check_spread, read_spread
from netvsc_bpf.kernel.net.qdiscs import ROOT, Qdisc
from netvsc_bpf.model.nic import Pair
from tests.unit.discovery.shapes import NETVSC, VETH, VF

PAIR = Pair(NETVSC, VF)
# Two CPUs of a 6.1 kernel; the columns that matter are the first three.
SOFTNET = (
    "01a1126c {dropped:08x} 00000003 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "
    "00000000 00000000\n"
    "0165c0e1 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "
    "00000000 00000001\n"
)


def _root(kind: str) -> Qdisc:
    return Qdisc(kind, handle=0x8001_0000, parent=ROOT)


def _leaf(kind: str) -> Qdisc:
    return Qdisc(kind, handle=0, parent=0x8001_0001)


def machine(
    root: Path, *, rps: str = "0", irqs: dict[int, str] | None = None, queues: int = 2
) -> tuple[Path, Path]:
    """Lay /sys and /proc/irq of a machine with an SR-IOV VF: return both roots."""
    sysfs, irq = root / "sys", root / "irq"
    device = sysfs / "bus/pci/devices" / str(VF.parent)
    for number in range(queues):
        queue = device / "net" / VF.name / "queues" / f"rx-{number}"
        queue.mkdir(parents=True)
        (queue / "rps_cpus").write_text(f"{rps}\n")
    (device / "msi_irqs").mkdir(parents=True)
    for number, cpus in (irqs or {}).items():
        (device / "msi_irqs" / str(number)).write_text("msix\n")
        (irq / str(number)).mkdir(parents=True)
        (irq / str(number) / "effective_affinity_list").write_text(f"{cpus}\n")
        (irq / str(number) / "smp_affinity_list").write_text("0-63\n")
    return sysfs, irq


def test_spread_is_read_below_the_pci_device(tmp_path: Path) -> None:
    places = machine(tmp_path, irqs={30: "0", 31: "2-3"})
    assert read_spread(VF, *places) == Spread(2, frozenset({0, 2, 3}), rps=False)


def test_rps_mask_of_a_large_machine_is_read(tmp_path: Path) -> None:
    places = machine(tmp_path, rps="00000000,00000000,0000000f")
    assert read_spread(VF, *places).rps


def test_device_that_is_no_pci_device_is_not_judged(tmp_path: Path) -> None:
    spread = read_spread(VETH, *machine(tmp_path))
    assert check_spread(VETH, spread, 8) is None


def test_queues_on_several_cpus_are_well(tmp_path: Path) -> None:
    finding = check_spread(VF, read_spread(VF, *machine(tmp_path, irqs={30: "0", 31: "1"})), 8)
    assert finding is not None and finding.level is Level.OK


def test_all_interrupts_on_one_cpu_are_a_warning(tmp_path: Path) -> None:
    finding = check_spread(VF, read_spread(VF, *machine(tmp_path, irqs={30: "1", 31: "1"})), 8)
    assert finding is not None and finding.level is Level.WARNING
    assert "interrupts on CPU 1 only, so one of 8 CPUs does all the receive work" in finding.what
    assert "irqbalance" in (finding.remedy or "")


def test_one_queue_is_a_warning_unless_rps_spreads_it(tmp_path: Path) -> None:
    single = check_spread(VF, read_spread(VF, *machine(tmp_path / "a", queues=1)), 8)
    assert single is not None and single.level is Level.WARNING
    assert "ethtool -L enP31819s1" in (single.remedy or "")
    spread = check_spread(VF, read_spread(VF, *machine(tmp_path / "b", queues=1, rps="ff")), 8)
    assert spread is not None and spread.level is Level.OK


def test_one_cpu_has_nothing_to_spread_over() -> None:
    assert check_spread(VF, Spread(1, frozenset({0}), rps=False), 1) is None


def test_backlog_drops_of_all_cpus_count() -> None:
    found = parse_softnet(SOFTNET.format(dropped=0x10))
    assert (found.dropped, found.squeezed) == (17, 3)


def test_full_backlog_is_a_warning_with_a_longer_one(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text(SOFTNET.format(dropped=2))
    (tmp_path / "limit").write_text("1000\n")
    finding = check_softnet(tmp_path / "stat", tmp_path / "limit")
    assert finding.level is Level.WARNING
    assert finding.what.startswith("3 packets dropped since boot")
    assert "netdev_max_backlog=2000` (1000 now)" in (finding.remedy or "")


def test_limit_that_this_namespace_does_not_show_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text(SOFTNET.format(dropped=2))
    assert "netdev_max_backlog=more" in (check_softnet(tmp_path / "stat", tmp_path / "none").remedy or "")


def test_backlog_without_drops_is_well(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("01a1126c 00000000 00000000\n")
    assert check_softnet(tmp_path / "stat").level is Level.OK


def test_softnet_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert check_softnet(tmp_path / "none").level is Level.WARNING


@pytest.mark.parametrize("kind", ["htb", "tbf", "cake", "netem"])
def test_s42_shaping_on_the_synthetic_nic_alone_is_a_warning(kind: str) -> None:
    shaped = [_root(kind), _leaf("fq_codel")]
    warned, reported = check_qdiscs(PAIR, shaped, [_root("mq"), _leaf("fq_codel")])
    assert warned.level is Level.WARNING
    assert warned.what == f"eth0 shapes with {kind}; packets steered to enP31819s1 bypass it"
    assert (warned.remedy or "").endswith(f"`tc qdisc add dev enP31819s1 root {kind} ...`")
    assert reported.what == "steered packets are queued in the mq of enP31819s1 only"


def test_s42_shaping_below_mq_is_found_too() -> None:
    shaped = [_root("mq"), _leaf("netem")]
    assert check_qdiscs(PAIR, shaped, [])[0].level is Level.WARNING


def test_s42_what_the_kernel_gives_unasked_and_equal_shaping_are_well() -> None:
    usual = [_root("mq"), _leaf("fq_codel")]
    assert [one.level for one in check_qdiscs(PAIR, usual, usual)] == [Level.OK]
    both = [_root("htb")]
    assert [one.level for one in check_qdiscs(PAIR, both, both)] == [Level.OK]
    assert check_qdiscs(Pair(NETVSC, None), both, []) == []
