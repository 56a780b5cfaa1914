# SPDX-License-Identifier: GPL-2.0-only
"""Counts what a received frame costs with and without guard; a nanosecond of guest time is an instruction."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.guarding import CASES, Case, Frame, InUse, Nic, Pair
from bench.guest import live_frames, plain_pair
from bench.guest.arrangements import MAC
from bench.guest.shell import sh
from bench.waiting import wait
from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.kernel.bpf import pin_files
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.model.path import GuardMode, XdpMode
from netvsc_bpf.model.path import Path as DataPath

_SYNTHETIC, _VF = "eth0", "vf0"
_GUARDS = {Pair.OFF: GuardMode.OFF, Pair.EVIDENCE: GuardMode.EVIDENCE}
_FEW = 16
"""Copies that guard expects of frames which have come by the other NIC before."""
_OWN = bytes.fromhex("020000000002" + MAC.replace(":", "") + "88b5") + bytes(46)
_MACS = {Frame.UNICAST: MAC, Frame.BROADCAST: "ff:ff:ff:ff:ff:ff"}


@contextmanager
def _attached(pair: Pair) -> Iterator[int | None]:
    """Attach, and yield the guard that a driver runs on what the synthetic NIC receives, if there is one."""
    if pair is Pair.NONE:
        yield None
        return
    guard = _GUARDS[pair]
    status = datapath.attach(
        _SYNTHETIC, AttachOptions(vf=_VF, any_bus=True, settle_ms=10, guard=guard)
    ).status
    with ExitStack() as undo:
        undo.callback(datapath.detach, _SYNTHETIC)
        if guard is GuardMode.OFF:
            yield None
            return
        if status.guard_xdp is not XdpMode.NATIVE:
            raise RuntimeError(f"guard runs in mode {status.guard_xdp}")
        pins = NetnsPins(namespaces.current_inode())
        copy = pins.copy(socket.if_nametoindex(_SYNTHETIC), "guard")
        yield undo.enter_context(pin_files.got(copy))


def _use(path: InUse) -> None:
    """Have the kernel use this path."""
    if path is InUse.NONE:
        return
    sh(f"ip link set {_VF} {'up' if path is InUse.VF else 'down'}")
    wanted = DataPath.VF if path is InUse.VF else DataPath.SYNTHETIC

    def used() -> bool:
        _send()
        (status,) = datapath.status(_SYNTHETIC)
        return status.path is wanted

    wait(f"the path is {wanted}", used, pause_s=0.1)


def _send() -> None:
    """The kernel looks at the VF with the packets that are sent.

    From the pair's own MAC: what comes from another that was sent from is taken for a frame that came back.
    """
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind((_SYNTHETIC, 0))
        link.send(_OWN)


def _measure(case: Case, guard: int | None, frames: int) -> float:
    device = _SYNTHETIC if case.nic is Nic.SYNTHETIC else _VF
    program = guard if case.nic is Nic.SYNTHETIC else None
    before = _dropped()
    took = live_frames.receive(
        socket.if_nametoindex(device), live_frames.frame(_MACS[case.frame]), frames, program
    )
    dropped = _dropped() - before
    if dropped > _FEW:
        raise RuntimeError(f"{case.name}: {dropped} frames were dropped as copies")
    return took


def _dropped() -> int:
    return sum(status.drops.rx_duplicate for status in datapath.status())


def main() -> None:
    """Measure as the environment's JOB says; write the figures to the file that is named."""
    job = json.loads(os.environ["JOB"])
    found: dict[str, list[float]] = {}
    with plain_pair.wired():
        sh(f"ip link set {_SYNTHETIC} arp off", f"ip link set {_VF} arp off")
        for pair in Pair:
            with _attached(pair) as guard:
                for path in InUse:
                    cases = [case for case in CASES if (case.pair, case.path) == (pair, path)]
                    if cases:
                        _use(path)
                    for case in cases:
                        found[case.name] = [
                            _measure(case, guard, job["frames"]) for _ in range(job["rounds"])
                        ]
                        print(f"{case.name}: {found[case.name]}", flush=True)
    Path(sys.argv[1]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
