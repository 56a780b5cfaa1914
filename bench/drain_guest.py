# SPDX-License-Identifier: GPL-2.0-only
"""drain and undrain on hv_netvsc, under numbered streams in both directions, with the manager killed.

In a guest: the driver is Debian's, its host a kernel module, which gives each frame to the path that the
driver asked for last. A manager drains the pair and is killed before it is undrained; the rest of each
twenty rounds is done without one, and the next manager adopts the pair. What is sent is counted by its
number.

Two kinds of loss are not netvsc-bpf's, and are shown separately. The driver itself sends by a VF as soon
as its host has switched, before the VF's queue is attached again; what it sends then is dropped. And
frames that a host has put into the ring of a VF at the moment when it is taken down go with the ring.
"""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import click

from bench.in_guest import run_in_guest
from bench.managed import percentile
from bench.report import Report, quartiles
from tests.vm import devices
from tests.vm.hyperv.build import built
from tests.vm.streams import RATE
from vm import machine
from vm.kernels import kernels

_MODULES = "virtio_net igb igbvf e1000e dummy"


def measure(version: str, rounds: int, limit_s: float) -> dict[str, Any]:
    """Boot a guest and let it measure; return what it found until its end. Raises NetvscBpfError."""
    kernel = kernels()[version]
    guest = machine.Machine(kernel, devices=devices.hyperv_options())
    settings = {"JOB": json.dumps({"rounds": rounds}), "NETVSC_BPF_GUEST_HYPERV": str(built(kernel))}
    ended = run_in_guest(lambda out: guest, "drain", _MODULES, limit_s, settings)
    found: dict[str, Any] = ended.required(version)
    return found


@click.command()
@click.option("--rounds", default=200, show_default=True, help="How often.")
@click.option("--kernel", default="6.12", show_default=True, help="Version of the guest's kernel.")
@click.option("--minutes", default=60.0, show_default=True, help="How long the guest may take.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(rounds: int, kernel: str, minutes: float, json_path: Path | None) -> None:
    """Drain and undrain on hv_netvsc."""
    # So that the guest's QEMU is ended too when this process is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench-drain-guest: terminated"))
    report = Report("drain-guest", json_path)
    found = measure(kernel, rounds, minutes * 60)
    report.raw("guest", found)
    sent, lost = found["sent"], found["lost"]
    columns = ("rounds", "managers killed", "sent", "lost tx", "of these by the driver", "lost rx")
    times = (
        "by the VF while drained",
        "drain ms, median",
        "drain, 99%",
        "undrain ms, median",
        "undrain, 99%",
    )
    row = (found["rounds"], found["kills"], sent["tx"] + sent["rx"])
    row += (lost["tx"], found["by_driver"], lost["rx"], found["by_vf"])
    spent = [
        value
        for key in ("drain_s", "undrain_s")
        for value in (1e3 * quartiles(found[key])[1], 1e3 * percentile(found[key], 0.99))
    ]
    title = f"hv_netvsc, Linux {found['kernel']}, {RATE} packets/s each way; times are those of an emulator"
    report.table(title, (*columns, *times), [(*row, *spent)])
    for wrong in found["wrong"]:
        report.say(f"wrong state: {wrong}")
    report.claim("rounds", found["rounds"], rounds, "", at_least=True)
    report.claim("tx: packets lost, but for the driver's", lost["tx"] - found["by_driver"], 0, "packets")
    report.claim("rx: packets lost", lost["rx"], 0, "packets")
    report.claim("packets by the VF while drained", found["by_vf"], 0, "packets")
    report.claim("states that were wrong", len(found["wrong"]), 0, "")
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
