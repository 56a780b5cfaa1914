# SPDX-License-Identifier: GPL-2.0-only
"""A guest migrates from one hypervisor to the other and back, under numbered traffic."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kernel.support.manager_log import objects_in
from tests.migration.contenders import Contender, Kind
from tests.migration.fabric import GUEST_ADDRESS, HOSTS, PEER, PEER_ADDRESS, Fabric, Heard, inside
from tests.migration.image import Image
from tests.migration.losses import Gap, Phase, Times, from_guest, lost, to_guest
from tests.migration.machines import Guest, Hypervisor
from tests.migration.monitor import PATIENCE_S
from vm.kernels import REPO

_STREAM = REPO / "tests/migration/guest/stream.py"
_UDP_RATE, _TCP_RATE = 250, 40
"""Packets and blocks of 1 KiB a second: what a guest that is emulated sends without effort."""
_BETWEEN_S = 3.0
"""Traffic before, between and after the migrations."""
_UNTIL_LEFT_NS = 10**9
_ANNOUNCED_S = 3.0
"""From the end of a migration until the VF is plugged in.

QEMU announces all its NICs after a migration, some times within a second and a half. An emulated NIC that is
plugged in meanwhile would be announced too, and the bridge would send it frames that the guest cannot get
yet. With a VF that is passed through QEMU cannot do that.
"""
_HEARD_S = 20.0
"""How long to wait for a frame of the guest by the VF: the slowest contender asks its link every 0.1 s."""


@dataclass(frozen=True, slots=True)
class Found:
    """What became of the traffic of one guest."""

    times: list[Times]
    to_guest: dict[Phase, int]
    from_guest: dict[Phase, int]
    sent_to_guest: int
    sent_from_guest: int
    twice: int
    tcp_intact: bool | None
    tcp_longest_s: float | None
    """The longest time without data for the peer."""
    heard: list[Heard]
    notes: dict[str, str]


@dataclass
class Trip:
    """One guest of one contender."""

    kind: Kind
    image: Image
    folder: Path
    show: Callable[[str], None]
    _times: list[Times] = field(default_factory=list)
    _notes: dict[str, str] = field(default_factory=dict)

    def run(self, migrations: int = 2) -> Found:
        """Boot, migrate, and count. Raises TimeoutError, RuntimeError, QmpError."""
        try:
            return self._run(migrations)
        except (TimeoutError, RuntimeError):
            for console in sorted(self.folder.glob("*.console")):
                last = console.read_text(errors="replace").splitlines()[-20:]
                self.show("\n".join([f"{self.kind}: the end of {console.name}:", *last]))
            raise

    def _run(self, migrations: int) -> Found:
        with ExitStack() as stack:
            fabric = stack.enter_context(Fabric())
            source = self._start(stack, 0)
            guest = Guest(source)
            contender = Contender(self.kind, guest)
            contender.set_up()
            source.plug()
            self._used(fabric, source, contender, 0, ping=True)
            if contender.silent:
                fabric.silent_guest()
            self.show(f"{self.kind}: the VF is used on the first host")
            ends = self._streams(stack, guest, silent=contender.silent)
            time.sleep(_BETWEEN_S)
            for number in range(1, migrations + 1):
                target = self._start(stack, number)
                contender.before()
                self._migrate(fabric, source, target, contender)
                source.stop()
                source = target
                time.sleep(_BETWEEN_S)
            results = self._stop(guest, ends)
            self._notes = contender.report()
            return self._found(fabric, contender, results)

    def _start(self, stack: ExitStack, number: int) -> Hypervisor:
        one = Hypervisor(
            f"host{number}",
            HOSTS[number % 2],
            self.image,
            self.folder,
            incoming=number > 0,
            failover=self.kind is Kind.NET_FAILOVER,
        )
        stack.callback(one.stop)
        return one

    def _migrate(self, fabric: Fabric, source: Hypervisor, target: Hypervisor, contender: Contender) -> None:
        plug = unplug = unplugged = 0
        if target.failover:
            plug = target.plug()  # QEMU hides it from the guest until the migration is over
        else:
            unplug, unplugged = source.unplug()
        for one in (source, target):
            one.monitor.run(
                "migrate-set-capabilities", {"capabilities": [{"capability": "events", "state": True}]}
            )
        uri = f"unix:{self.folder}/{target.name}.migration"
        target.monitor("migrate-incoming", uri=uri)
        begun = time.monotonic_ns()
        source.monitor("migrate", uri=uri)
        stop = source.monitor.wait("STOP").at
        resume = target.monitor.wait("RESUME").at
        if target.failover:
            unplug, unplugged, plug = begun, stop, resume
        else:
            time.sleep(_ANNOUNCED_S)
            plug = target.plug()
        contender.guest.arrived(target)
        contender.after()
        used = self._used(fabric, target, contender, plug)
        self._times.append(Times(unplug, unplugged, stop, resume, plug, used))
        self.show(
            f"{self.kind}: migrated; pause {self._times[-1].pause_ms:.0f} ms, VF used after "
            f"{self._times[-1].used_after_ms or -1:.0f} ms"
        )

    def _used(
        self, fabric: Fabric, on: Hypervisor, contender: Contender, since: int, *, ping: bool = False
    ) -> int | None:
        """Wait until the VF is used, and return when the first frame came by it; None if none came."""
        contender.uses_vf()
        deadline = time.monotonic() + _HEARD_S
        while time.monotonic() < deadline:
            if ping:
                contender.guest(f"ping -n -c 1 -W 1 {PEER_ADDRESS}", check=False)
            by_vf = [one.at for one in fabric.heard if one.port == f"{on.host}-vf" and one.at > since]
            if by_vf:
                return by_vf[0]
            time.sleep(0.1)
        return None

    def _streams(
        self, stack: ExitStack, guest: Guest, *, silent: bool
    ) -> "dict[str, tuple[subprocess.Popen[bytes], int]]":
        ends = {}
        for kind, rate in (("udp", _UDP_RATE), ("tcp", _TCP_RATE)):
            if silent and kind == "tcp":
                continue
            program = [sys.executable, "-P", str(_STREAM), kind, "peer", PEER_ADDRESS, GUEST_ADDRESS]
            file = self.folder / f"peer-{kind}.json"
            peer = subprocess.Popen(inside(PEER, *program, str(rate), str(file)))
            stack.callback(peer.kill)
            own_rate = 0 if silent else rate
            command = (
                f"python3 -P /opt/migration/stream.py {kind} guest {GUEST_ADDRESS} {PEER_ADDRESS} {own_rate}"
            )
            if kind == "tcp":
                time.sleep(1)  # the peer listens
            ends[kind] = peer, guest.start(f"{command} /tmp/{kind}.json", f"/tmp/{kind}.log")
        return ends

    def _stop(
        self, guest: Guest, ends: "dict[str, tuple[subprocess.Popen[bytes], int]]"
    ) -> dict[str, dict[str, Any]]:
        """End the streams; return what each end of each noted. First both stop sending."""
        pids = " ".join(str(pid) for _, pid in ends.values())
        for peer, _ in ends.values():
            peer.send_signal(signal.SIGUSR1)
        guest(f"kill -USR1 {pids}; sleep 2; kill -TERM {pids}")
        results = {}
        for kind, (peer, _) in ends.items():
            peer.send_signal(signal.SIGTERM)
            peer.wait(PATIENCE_S)
            text = guest.wait("its result", f"cat /tmp/{kind}.json /tmp/{kind}.log", lambda text: "{" in text)
            results[f"guest-{kind}"] = json.loads(text)
            results[f"peer-{kind}"] = json.loads((self.folder / f"peer-{kind}.json").read_text())
        return results

    def _found(self, fabric: Fabric, contender: Contender, results: dict[str, dict[str, Any]]) -> Found:
        peer, guest = results["peer-udp"], results["guest-udp"]
        missed = from_guest(guest["sent"], peer["received"])
        left, sent_at = self._left_at(), self._sent_at(contender.guest, missed)
        heard = [one.at for one in fabric.heard if one.port.endswith("-syn")]
        learnt = [min((at for at in heard if at > one.unplug), default=0) for one in self._times]

        def before_leaving(number: int) -> bool:
            """Whether the kernel left the VF within a second after the guest sent this."""
            return any(0 <= at - sent_at[number] < _UNTIL_LEFT_NS for at in left)

        def before_learning(number: int) -> bool:
            at = peer["sent"][number]
            return any(one.unplug <= at < end for one, end in zip(self._times, learnt, strict=True))

        tcp = [results[name] for name in ("peer-tcp", "guest-tcp") if name in results]
        whole = all(one["intact"] and not one["error"] for one in tcp)
        crossed = not tcp or (tcp[0]["received"], tcp[1]["received"]) == (tcp[1]["sent"], tcp[0]["sent"])
        return Found(
            times=self._times,
            to_guest=lost(to_guest(peer["sent"], guest["received"]), self._times, before_learning),
            from_guest=lost(missed, self._times, before_leaving),
            sent_to_guest=len(peer["sent"]),
            sent_from_guest=guest["sent"],
            twice=guest["twice"],
            tcp_intact=whole and crossed if tcp else None,
            tcp_longest_s=tcp[0]["longest_s"] if tcp else None,
            heard=list(fabric.heard),
            notes=self._notes,
        )

    def _left_at(self) -> list[int]:
        """Return when the kernel left the VF, by the guest's clock (ns); nothing for other contenders."""
        log = self._notes.get("manager", "").splitlines()
        return [one["monotonic_ns"] for one in objects_in(log) if one.get("to") == "synthetic"]

    def _sent_at(self, guest: Guest, gaps: list[Gap]) -> dict[int, int]:
        """Return when the guest sent what did not arrive, by its own clock (ns)."""
        numbers = [number for gap in gaps for number in range(gap.first, gap.first + gap.count)]
        if not numbers:
            return {}
        program = (
            f"import json; at = json.load(open('/tmp/udp.json.sent')); print([at[n] for n in {numbers}])"
        )
        return dict(zip(numbers, json.loads(guest(f'python3 -c "{program}"')), strict=True))
