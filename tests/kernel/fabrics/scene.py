# SPDX-License-Identifier: GPL-2.0-only
"""A pair on a fabric, brought from one state to the next by a manager and its configuration."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath

from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.bridge_ports import wait_for_ports
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.fabrics.kinds import State
from tests.kernel.fabrics.members import Members
from tests.kernel.fabrics.vf_filter import VfFilter, flags
from tests.kernel.support.devices import silence
from tests.kernel.support.frames import BROADCAST, GUEST_MAC, ethernet, send
from tests.kernel.support.manager import Manager, ip, managers
from tests.kernel.support.waiting import eventually

_CALM = "[attach]\nsettle_ms = 10\n"
_HOUR_MS = 3_600_000
_PATIENT = f"[attach]\nsettle_ms = {_HOUR_MS}\n"
_STRICT = f"{_CALM}[damping]\nsuppress = 600.0\nreuse = 500.0\n"
"""The one failure that there was is one too many."""


class Scene:
    """A guest with a pair, its manager, and what its fabric and its VF let through."""

    def __init__(self, lab: Lab, manager: Manager, file: FilePath, members: list[Members]) -> None:
        self.lab = lab
        self.filter = VfFilter(lab)
        self._manager = manager
        self._file = file
        self._state = State.ARMED
        self._members = members
        """Those of the state before, and those of this state."""

    @property
    def kept_group(self) -> str:
        """A group that was joined in the state before."""
        return self._members[0].groups[0]

    @property
    def groups(self) -> list[str]:
        """The groups that were joined in this state."""
        return self._members[-1].groups

    def enter(self, state: State) -> None:
        """Bring the pair into a state, and join groups there."""
        {
            State.ARMED: self._armed,
            State.SETTLING: self._settling,
            State.DAMPED: self._damped,
            State.NO_MANAGER: self._alone,
        }[state]()
        self._state = state
        *past, before = self._members
        for members in past:
            members.leave()
        now = Members(self.lab, 1 + list(State).index(state))
        self._members[:] = before, now
        if state in (State.ARMED, State.SETTLING):
            eventually("the VF listens to them too", lambda: now.listened_to_by_vf(self.lab))
        self.filter.follow()

    def speak(self, mac: bytes = GUEST_MAC) -> None:
        """Have the guest say something with this source address."""
        send(self.lab.guest, "eth0", ethernet(BROADCAST, b"here", source=mac))

    def forget(self) -> None:
        """Have the switch forget what it has learned."""
        self.lab.run(self.lab.fabric, ["ip", "link", "set", "switch", "type", "bridge", "fdb_flush"])

    def knows(self, mac: bytes) -> bool:
        """Say whether the switch has learned where a MAC is."""
        entries = json.loads(
            self.lab.run(self.lab.fabric, ["bridge", "-j", "fdb", "show", "br", "switch"]).stdout
        )
        return any(one["mac"] == mac.hex(":") and one["state"] == "" for one in entries)

    @contextmanager
    def promiscuous(self) -> Iterator[None]:
        """The synthetic NIC as the port of a bridge has it, and the VF after it."""
        self._promiscuous(True)
        yield
        self._promiscuous(False)

    def _promiscuous(self, on: bool) -> None:
        word = "on" if on else "off"
        ip(self.lab, "link", "set", "eth0", "promisc", word)
        if self._state is State.NO_MANAGER:
            # As a manager leaves it: without one the VF is not kept in sync, which is a documented limit.
            ip(self.lab, "link", "set", "vf0", "promisc", word)
        elif self._state is not State.DAMPED:
            eventually(f"vf0 is promisc {word}", lambda: ("PROMISC" in flags(self.lab, "vf0")) is on)
        self.filter.follow()

    def _armed(self) -> None:
        self._wait("the VF is the path", lambda: self._where()[0] is Path.VF)
        self._reported_behind("vf0")

    def _reported_behind(self, port: str) -> None:
        """Wait until the members of the state before have reported again, by the path of this state."""
        before = self._members[-1]
        eventually(f"the members have reported by {port}", lambda: before.reported_behind(port))

    def _settling(self) -> None:
        self._configure(_PATIENT)
        eventually("the settle time is an hour", lambda: self._manager.status.settle_ms == _HOUR_MS)
        self.lab.vf_down()
        self._wait("the VF is left", lambda: self._where()[0] is Path.SYNTHETIC)
        self._reported_behind("syn0")
        self.lab.vf_up()
        wait_for_ports(self.lab.fabric)
        self._wait("it settles", lambda: self._where() == (Path.SYNTHETIC, Reason.SETTLING))

    def _damped(self) -> None:
        self._configure(_STRICT)
        self._wait("it is damped", lambda: self._where() == (Path.SYNTHETIC, Reason.DAMPED))
        eventually("it is down", lambda: "UP" not in flags(self.lab, "vf0"))

    def _alone(self) -> None:
        self._configure(_CALM)
        self._armed()
        wait_for_ports(self.lab.fabric)
        before = self._members[-1]
        eventually("the VF listens to the groups of before", lambda: before.listened_to_by_vf(self.lab))
        self._manager.kill()

    def _where(self) -> tuple[Path, Reason] | tuple[None, None]:
        return self._manager.where or (None, None)

    def _wait(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait, and have the guest speak meanwhile: the kernel looks at the VF with the packets that flow."""

        def look() -> bool:
            self.speak()
            return holds()

        eventually(what, look)

    def _configure(self, text: str) -> None:
        reloads = len(self._manager.events_of("reloaded"))
        self._file.write_text(text)
        self._manager.process.send_signal(signal.SIGHUP)
        self._manager.wait_event("reloaded", times=reloads + 1)


def stop_asking(lab: Lab) -> None:
    """Keep the querier's questions from the pair, and the guest from repeating its reports.

    A Linux bridge asks each port that comes up. Other switches ask when their time has come, in two minutes.
    """
    lab.in_guest(wiring.write_sysctl, "ipv4/igmp_qrv", 1)
    for up in (False, True):  # a device takes it over when it comes up (ip_mc_reset())
        lab.set_link(lab.guest, "eth0", up)
    wait_for_ports(lab.fabric)
    chains = [
        f'chain {port} {{ type filter hook egress device "{port}" priority 0; ip protocol igmp drop; }};'
        for port in ("syn0", "vf0")
    ]
    lab.run(lab.fabric, ["nft", f"add table netdev unasked; table netdev unasked {{ {' '.join(chains)} }}"])


@contextmanager
def scene(fabric: Fabric, folder: FilePath) -> Iterator[Scene]:
    """A pair on a fabric, attached and managed; the guest was a member of groups before."""
    file = folder / "netvsc-bpf.toml"
    file.write_text(_CALM)
    with Lab(LabPlan(fabric=fabric)) as lab:
        silence(lab)
        stop_asking(lab)
        members = [Members(lab, 0)]
        try:
            with managers(lab) as start:
                yield Scene(lab, start("eth0", "--config", str(file)), file, members)
        finally:
            for one in members:
                one.leave()
