# SPDX-License-Identifier: GPL-2.0-only
"""Instructions that a packet, or a byte of a TCP stream, costs on its way: netvsc-bpf and its competitors.

A guest with one processor runs under QEMU's -icount, where a nanosecond is an instruction: the figures
repeat to about 0.1%, however busy the machine is. They are instructions, not time: there are no caches and
no mispredictions.

A TCP stream comes in bursts of 44 segments, each read when it is complete: every second segment is
acknowledged. If a reader is late, the kernel merges what waits for it and acknowledges it by the dozen.
That is cheaper for all, and mirred rules then cost about as much as netvsc-bpf (0.50 a byte over the bare
VF, and 0.47).

With hv_netvsc the driver is Debian's own, with an e1000e that it has enslaved, alone and under netvsc-bpf.
There "fq_codel" is what the kernel gives both devices if that is the default qdisc, as on Debian (with mq
above it on the driver's own); without it, only the VF has a qdisc.
"""

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from bench.guest.names import HV_NETVSC
from bench.guest.path import WAYS
from bench.in_guest import run_in_guest
from bench.report import Report, quartiles
from tests.vm.devices import (
    HYPERV_MAC,
    HYPERV_PF_MAC,
    PEER_MAC,
    PF_MAC,
    STANDBY,
    STANDBY_MAC,
    SYNTHETIC_MAC,
    Port,
)
from tests.vm.hyperv.build import built
from vm import machine
from vm.kernels import kernels

_MODULES = (
    "dummy bonding team team_mode_activebackup veth pktgen sch_ingress cls_matchall act_mirred sch_fq_codel"
)
_LIMIT_S = 2700.0
_PORTS = (
    Port("synthetic", "virtio-net-pci", SYNTHETIC_MAC, hub=1),
    Port("vf", "e1000e", SYNTHETIC_MAC, hub=2),
    replace(STANDBY, hub=3),
    Port("primary", "e1000e", STANDBY_MAC, hub=4),
    Port("enslaved", "e1000e", HYPERV_MAC, hub=5),
    Port("far", "e1000e", PEER_MAC, hub=2),
    Port("far-primary", "e1000e", PF_MAC, hub=4),
    Port("far-enslaved", "e1000e", HYPERV_PF_MAC, hub=5),
)

_OVER_MIRRED = 4.0
"""How many instructions more than mirred ours may take to receive a frame."""
_TIMES_BONDING = {"tx": 0.75, "tx, fq_codel": 0.55, "tx, e1000e": 0.75, "tx, e1000e, fq_codel": 0.55}
"""How much of bonding's overhead ours may be."""
_TIMES_HV_NETVSC = {"tx, hv_netvsc": 0.80, "tx, hv_netvsc, fq_codel": 0.50}
"""How much of the overhead of hv_netvsc alone ours on top of it may be."""
_OVER_HV_NETVSC = 10.0
"""How many instructions more than hv_netvsc alone ours may take to receive a frame."""
Figures = dict[str, dict[str, list[float]]]


def measure(version: str, ways: Sequence[str]) -> Figures:
    """Boot a guest with this kernel and let it measure. Raises NetvscBpfError where it does not finish."""
    kernel = kernels()[version]
    devices = [option for port in _PORTS for option in port.options]
    guest = machine.Machine(kernel, cpus=1, counts_instructions=True, devices=devices)
    settings = {"WAYS": json.dumps(ways), "NETVSC_BPF_GUEST_HYPERV": str(built(kernel))}
    figures: Figures = run_in_guest(lambda out: guest, "path", _MODULES, _LIMIT_S, settings).required(version)
    return figures


def over_bare(figures: Figures, way: str, name: str) -> float:
    """Return the median instructions that an arrangement takes more than the bare VF."""
    return _middle(figures[way][name]) - _middle(figures[way]["bare VF"])


@click.command()
@click.option("--kernel", default="6.12", show_default=True, help="Version of the guest's kernel.")
@click.option(
    "--way", "ways", multiple=True, type=click.Choice(WAYS), default=WAYS, help="Not all. Repeatable."
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(kernel: str, ways: tuple[str, ...], json_path: Path | None) -> None:
    """Count instructions per packet of each way through the pair."""
    # So that the guest's QEMU is ended too when this process is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench-path: terminated"))
    report = Report("path", json_path)
    figures = measure(kernel, ways)
    for way in figures:
        _table(report, kernel, way, figures)
        report.raw(f"{kernel}: {way}", figures[way])
    _judge(report, figures)
    sys.exit(report.finish())


def _table(report: Report, kernel: str, way: str, figures: Figures) -> None:
    unit = "byte" if way.startswith("tcp") else "packet"
    rows = [
        (name, _middle(values), over_bare(figures, way, name), max(values) - min(values))
        for name, values in figures[way].items()
    ]
    columns = ("way", f"instructions/{unit}", "over the bare VF", "spread")
    report.table(f"{way}, Linux {kernel}", columns, rows)


def _judge(report: Report, figures: Figures) -> None:
    for way, limit in _TIMES_BONDING.items():
        if way in figures:
            _overhead(report, figures, way, limit)
    if "rx" in figures:
        more = over_bare(figures, "rx", "netvsc-bpf") - over_bare(figures, "rx", "mirred")
        report.claim("rx: instructions more than mirred", more, _OVER_MIRRED, "")
    for way in ("tcp, GRO on", "tcp, e1000e, GRO on"):
        if way in figures:
            ratio = _middle(figures[way]["netvsc-bpf"]) / _middle(figures[way]["bonding"])
            report.claim(f"{way}: instructions a byte, times bonding's", ratio, 1.05, "")
    for way in ("tcp, GRO off", "tcp, e1000e, GRO off"):
        if way in figures:
            ratio = over_bare(figures, way, "netvsc-bpf") / over_bare(figures, way, "mirred")
            report.claim(f"{way}: overhead, times that of mirred", ratio, 1.0, "")
    _judge_on_hyperv(report, figures)


def _judge_on_hyperv(report: Report, figures: Figures) -> None:
    """Hold ours on an enslaved VF against the driver alone."""
    for way, limit in _TIMES_HV_NETVSC.items():
        if way in figures:
            ratio = over_bare(figures, way, "netvsc-bpf") / over_bare(figures, way, HV_NETVSC)
            report.claim(f"{way}: overhead, times that of hv_netvsc alone", ratio, limit, "")
    if (way := "rx, hv_netvsc") in figures:
        more = _middle(figures[way]["netvsc-bpf"]) - _middle(figures[way][HV_NETVSC])
        report.claim(f"{way}: instructions more than hv_netvsc alone", more, _OVER_HV_NETVSC, "")
    if (way := "tcp, hv_netvsc, GRO on") in figures:
        ratio = _middle(figures[way]["netvsc-bpf"]) / _middle(figures[way][HV_NETVSC])
        report.claim(f"{way}: instructions a byte, times those of hv_netvsc alone", ratio, 1.02, "")


def _overhead(report: Report, figures: Figures, way: str, limit: float) -> None:
    """Ours is at most `limit` times bonding's, and less than every other peer's."""
    ours = over_bare(figures, way, "netvsc-bpf")
    report.claim(f"{way}: overhead, times bonding's", ours / over_bare(figures, way, "bonding"), limit, "")
    for peer in ("team", "net_failover", "mirred"):
        if peer in figures[way]:
            ratio = ours / over_bare(figures, way, peer)
            report.claim(f"{way}: overhead, times that of {peer}", ratio, 1.0, "")


def _middle(values: list[float]) -> float:
    return quartiles(values)[1]


if __name__ == "__main__":
    main()
