# SPDX-License-Identifier: GPL-2.0-only
"""What only a running manager knows about pairs: when it will use a VF again, what its probe found."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from netvsc_bpf.manager.events.claim import is_claimed
from netvsc_bpf.model.path import Reason
from netvsc_bpf.model.probe import Probe, ProbeState
from netvsc_bpf.model.status import PairStatus

_LEFT_ALONE = frozenset({Reason.DAMPED, Reason.STALLED, Reason.UNREACHABLE, Reason.NO_CARRIER})
_PATIENCE_S = 2.0


def with_outlook(pairs: Sequence[PairStatus]) -> list[PairStatus]:
    """Return the pairs of this thread's network namespace with `managed`, `until` and `probe` filled in."""
    managed = bool(pairs) and is_claimed()
    asked = managed and any(pair.reason in _LEFT_ALONE for pair in pairs)
    until = held_back() if asked else {}
    probes = _probes() if managed else {}
    return [
        replace(
            pair,
            managed=managed,
            until=_end(pair, managed, until),
            probe=probes.get(pair.synthetic.ifindex),
        )
        for pair in pairs
    ]


def _end(pair: PairStatus, managed: bool, until: Mapping[int, datetime]) -> datetime | None:
    if pair.reason is Reason.DRAINED and managed and pair.drained is not None:
        return pair.drained.until
    if pair.reason is Reason.SETTLING:
        return pair.until  # the kernel's own decision
    return until.get(pair.synthetic.ifindex) if pair.reason in _LEFT_ALONE else None


def held_back() -> dict[int, datetime]:
    """Return until when the manager holds VFs back, by the ifindex of the synthetic NIC.

    What it does not answer within two seconds is unknown; without a manager there is nothing.
    """
    from netvsc_bpf.manager.events.client import answers
    from netvsc_bpf.manager.events.protocol import CONTROL, Control, Request

    found: dict[int, datetime] = {}
    for line in answers(Request.WAITS, _PATIENCE_S):
        if line.get(CONTROL) != Control.WAIT:
            break
        found[int(line["ifindex"])] = datetime.now(UTC) + timedelta(seconds=line["left_s"])
    return found


def _probes() -> dict[int, Probe]:
    """Query the manager likewise."""
    from netvsc_bpf.manager.events.client import answers
    from netvsc_bpf.manager.events.protocol import CONTROL, Control, Request

    found: dict[int, Probe] = {}
    for line in answers(Request.PROBES, _PATIENCE_S):
        if line.get(CONTROL) != Control.PROBE:
            break
        last = None if line["last_answer"] is None else datetime.fromisoformat(line["last_answer"])
        found[int(line["ifindex"])] = Probe(tuple(line["targets"]), ProbeState(line["state"]), last)
    return found
