# SPDX-License-Identifier: GPL-2.0-only
"""The VF of a guest that only receives is unplugged while RTNL is held: `make bench-announce-guest`.

Such a guest sends nothing from which a switch could learn that its MAC has moved, so that what is sent to it
depends on the announcement. And netlink, by which a manager reads what to announce, waits for RTNL, which the
kernel has from before a VF is left until its driver has released it, and others after it.

A guest that can plug its own devices (vm/qmp.py) has an e1000e for VF. The peer sends it numbered UDP
packets, and the guest has no reason to answer. A kernel module (tests/vm/rtnl) holds RTNL once the VF's
driver has stopped it, within the same call. The manager runs, guard goes by evidence, and the wire is a hub.
Noted are the moment at which the kernel leaves the VF (by its own clock), when the driver has stopped the VF,
until when RTNL is held, and when announcements arrive at the peer (by the kernel's timestamp of the frame).

The guest's processor is emulated, and times are those of the guest: the manager takes as many times longer
as any Python does there. How many that is, a fixed piece of Python shows, on both sides.
"""

import json
import signal
import statistics
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bench.announcing import Job, Unplugged, python_s
from bench.in_guest import run_in_guest
from bench.report import Report
from tests.vm import devices
from tests.vm.rtnl import holder
from vm import machine, qmp
from vm.kernels import kernels

_FIRST_MS = 5.0
"""The limit of the first announcement, on a processor that is not emulated."""


def measure(version: str, job: Job, limit_s: float) -> dict[str, Any]:
    """Boot a guest with this kernel and return what it wrote until the time was up."""
    kernel = kernels()[version]
    options = [*devices.qemu_options(), *devices.HOT_SLOT]
    settings = {
        "JOB": json.dumps(asdict(job)),
        "NETVSC_BPF_GUEST_KERNEL": version,
        holder.SETTING: str(holder.built(kernel)),
    }
    found: dict[str, Any] = run_in_guest(
        lambda out: machine.Machine(kernel, devices=[*options, *qmp.qemu_options(out / "qmp")]),
        "announce",
        "virtio_net igb e1000e sch_ingress",
        limit_s,
        settings,
    ).required(version)
    return found


@click.command()
@click.option("--kernel", default="6.12", show_default=True, help="Version of the guest's kernel.")
@click.option("--times", default=30, show_default=True, help="How often the VF is unplugged.")
@click.option("--held", "held_ms", default=500, show_default=True, help="How long RTNL is held, in ms.")
@click.option("--rate", default=500, show_default=True, help="Packets a second to aim at.")
@click.option("--minutes", default=30.0, show_default=True, help="How long the guest may take.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(kernel: str, times: int, held_ms: int, rate: int, minutes: float, json_path: Path | None) -> None:
    """Time the first announcement after an unplug, and count what a guest that only receives loses."""
    # So that the guest's QEMU is ended too when this process is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench-announce-guest: terminated"))
    report = Report("announce-guest", json_path)
    job = Job(times, held_ms, rate)
    found = measure(kernel, job, minutes * 60)
    here_s = python_s()
    report.raw("guest", {"kernel": found["kernel"], **asdict(job)})
    report.raw("python_s", {"guest": found["python_s"], "here": here_s})
    report.raw("times", found["times"])
    judge(report, [Unplugged(**one) for one in found["times"]], job, found["python_s"] / here_s)
    sys.exit(report.finish())


def judge(report: Report, found: list[Unplugged], job: Job, slower: float) -> None:
    """Print what was found, and hold it against its limits; `slower` says how much slower the guest is."""
    first = [one.announced_ms[0] for one in found if one.announced_ms]
    held = [one.stopped_ms + one.held_ms for one in found]
    columns = ("ms of the guest's time since the kernel left the VF", "median", "least", "most")
    rows = [
        (what, statistics.median(values), min(values), max(values))
        for what, values in (
            ("the first announcement arrives at the peer", first),
            ("the VF's driver has stopped it", [one.stopped_ms for one in found]),
            ("RTNL is released", held),
        )
        if values
    ]
    report.table(f"Unplugged {len(found)} times while RTNL is held", columns, rows)
    sent, before = sum(one.sent for one in found), sum(one.lost_before_stop for one in found)
    report.say(
        f"{sent} packets were sent to the guest; {before} were lost before the VF's driver had stopped"
    )
    drops = sum(one.receiver_drops for one in found)
    report.say(f"{drops} packets found the receiver's buffer full")
    report.say(f"{sum(one.duplicates for one in found)} packets were delivered twice")
    report.say(f"Python takes {slower:.1f} times as long in the guest as on the machine that emulates it")
    report.claim("times", len(found), job.times, "", at_least=True)
    lost = sum(one.lost_after_stop for one in found)
    report.claim("lost after the VF's driver has stopped it", lost, 0, "packets")
    in_time = sum(one.in_time for one in found)
    report.claim("announced while RTNL is held", in_time, job.times, "", at_least=True)
    if first:
        share = 100 * statistics.median(one / all_of for one, all_of in zip(first, held, strict=False))
        report.say(
            f"the first announcement takes {share:.1f}% of the time for which RTNL is held, in the median"
        )
        scaled = statistics.median(first) / slower
        report.claim(
            "the first announcement, median, divided by the slowness of the guest", scaled, _FIRST_MS, "ms"
        )


if __name__ == "__main__":
    main()
