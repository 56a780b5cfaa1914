# SPDX-License-Identifier: GPL-2.0-only
"""Instructions that guard takes for a received frame: `make bench-guard`.

A guest with one processor runs under QEMU's -icount, where a nanosecond is an instruction. Frames are handed
to the stack as if they had arrived on a NIC (BPF_F_TEST_XDP_LIVE_FRAMES), with guard as the XDP program where
it runs natively in the driver, or with a program that passes everything. The NICs are veth, so no driver is
counted. A frame ends in arp_rcv(), which consumes it.

All frames of a case are the same one. Of those, guard compares no more than eight with each other; a frame
that differs from those before takes one atomic write more.
"""

import json
import signal
import sys
from pathlib import Path

import click

from bench.guarding import CASES, Case, Frame, InUse, Nic, Pair
from bench.in_guest import run_in_guest
from bench.report import Report, quartiles
from vm import machine
from vm.kernels import kernels

_MODULES = "veth sch_ingress"
_LIMITS = (
    (Case(Pair.EVIDENCE, InUse.SYNTHETIC, Nic.SYNTHETIC, Frame.UNICAST), 100),
    (Case(Pair.EVIDENCE, InUse.VF, Nic.SYNTHETIC, Frame.BROADCAST), 450),
)
"""What guard may take for a frame by the synthetic NIC: of the path in use, and one that it compares.

A frame that is compared may be in any of four entries; with one it took 114 less, and bursts arrived twice.
"""
_OVER_OFF = 10.0
"""How many instructions more a unicast frame by a VF in use may take than with guard off."""
Figures = dict[str, list[float]]


def measure(version: str, frames: int, rounds: int, limit_s: float) -> Figures:
    """Boot a guest with this kernel and let it measure. Raises NetvscBpfError where it does not finish."""
    guest = machine.Machine(kernels()[version], cpus=1, counts_instructions=True)
    job = {"JOB": json.dumps({"frames": frames, "rounds": rounds})}
    figures: Figures = run_in_guest(lambda out: guest, "guard", _MODULES, limit_s, job).required(version)
    return figures


@click.command()
@click.option("--kernel", default="6.12", show_default=True, help="Version of the guest's kernel.")
@click.option("--frames", default=1_000_000, show_default=True, help="Frames of each case and round.")
@click.option("--rounds", default=2, show_default=True, help="How often each case is counted.")
@click.option("--minutes", default=30.0, show_default=True, help="How long the guest may take.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(kernel: str, frames: int, rounds: int, minutes: float, json_path: Path | None) -> None:
    """Count the instructions that guard takes for a frame."""
    # So that the guest's QEMU is ended too when this process is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench-guard: terminated"))
    report = Report("guard", json_path)
    figures = measure(kernel, frames, rounds, minutes * 60)
    report.raw(kernel, figures)
    judge(report, figures, kernel)
    sys.exit(report.finish())


def judge(report: Report, figures: Figures, kernel: str) -> None:
    """Print the figures, and hold them against their limits."""
    rows = [
        (f"{case.nic}, {case.frame}, {case.pair}", case.path, _middle(figures, case), over(figures, case))
        for case in sorted(CASES, key=lambda case: (case.nic, case.frame))
    ]
    columns = ("arrives by, frame, attached", "path in use", "instructions/frame", "over nothing attached")
    report.table(f"Instructions a received frame, Linux {kernel}", columns, rows)
    for case, limit in _LIMITS:
        report.claim(f"{case.name}: instructions for guard", guard_alone(figures, case), limit, "")
    more = guard_alone(figures, Case(Pair.EVIDENCE, InUse.VF, Nic.VF, Frame.UNICAST))
    report.claim("unicast by a VF in use: instructions more than with guard off", more, _OVER_OFF, "")


def over(figures: Figures, case: Case) -> float:
    """Return what a case takes more than the same frame with nothing attached."""
    return _middle(figures, case) - _middle(figures, case.bare)


def guard_alone(figures: Figures, case: Case) -> float:
    """Return what a case takes more than the same frame with guard off."""
    return _middle(figures, case) - _middle(figures, case.unguarded)


def _middle(figures: Figures, case: Case) -> float:
    return quartiles(figures[case.name])[1]


if __name__ == "__main__":
    main()
