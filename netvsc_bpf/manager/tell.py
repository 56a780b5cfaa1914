# SPDX-License-Identifier: GPL-2.0-only
"""Turning steps, refusals and kernel events into events for people, each told once."""

from collections.abc import Callable

from netvsc_bpf.kernel import abi
from netvsc_bpf.kernel.clock import monotonic_to_utc
from netvsc_bpf.manager.events import Event, Kind
from netvsc_bpf.manager.observe import Seen
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.observation import PairObservation


class Teller:
    """Tells a listener what happens."""

    def __init__(self, listener: Callable[[Event], None]) -> None:
        self._listener = listener
        self._refused: dict[int, tuple[str, ...]] = {}
        self._names: dict[int, str] = {}
        self._attached: set[int] = set()

    def refusals(self, seen: Seen) -> None:
        """Tell what pairing refused, when it is not what it refused last time."""
        nic = seen.pair.synthetic
        self._names[nic.ifindex] = nic.name
        if seen.pair.steer:
            self._attached.add(nic.ifindex)
        reasons = tuple(f"{one.nic.name}: {one.reason}" for one in seen.refusals)
        if seen.problem is not None:
            reasons += (str(seen.problem),)
        if reasons != self._refused.get(nic.ifindex, ()):
            self._refused[nic.ifindex] = reasons
            for reason in reasons:
                self._listener(Event(Kind.REFUSED, nic.name, reason))

    def failed(self, nic: Nic, step: act.Action, error: NetvscBpfError) -> None:
        """Tell that a step failed; it was undone."""
        self._listener(Event(Kind.FAILED, nic.name, str(error), details={"step": type(step).__name__}))

    def done(self, pair: PairObservation, step: act.Action) -> None:
        """Tell that a step was carried out."""
        name = pair.synthetic.name
        match step:
            case act.Attach():
                again = pair.synthetic.ifindex in self._attached
                kind, text = (
                    (Kind.REPAIRED, "hooks put back") if again else (Kind.ATTACHED, "steer and guard")
                )
                self._attached.add(pair.synthetic.ifindex)
            case act.Join(vf=vf):
                kind, text = Kind.JOINED, vf.name
            case act.Leave(reason=reason):
                kind, text = Kind.LEFT, reason.value
            case act.Withdraw(reason=reason):
                kind, text = Kind.DAMPED if reason == "damped" else Kind.LEFT, reason.value
            case act.Permit(settle_ms=settle_ms):
                kind, text = Kind.FOLLOWED, f"permitted after {settle_ms} ms"
            case _:
                kind, text = Kind.FOLLOWED, type(step).__name__
        self._listener(Event(kind, name, text))

    def switched(self, event: abi.PathEvent) -> None:
        """Tell a change of path, with the kernel's own time."""
        to, reason = abi.PATHS[event.to], abi.REASONS[event.reason]
        name = self._names.get(event.synthetic_ifindex, f"interface {event.synthetic_ifindex}")
        details: dict[str, str | int | float | None] = {"to": to.value, "reason": reason and reason.value}
        at = monotonic_to_utc(event.at)
        self._listener(Event(Kind.SWITCHED, name, f"{to} ({reason})", at=at, details=details))
