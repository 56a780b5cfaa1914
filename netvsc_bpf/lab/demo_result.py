# SPDX-License-Identifier: GPL-2.0-only
"""The result of the demo, what of it was unexpected, and both as JSON. Pure."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from netvsc_bpf.lab.leak_check import Leftovers
from netvsc_bpf.lab.recording import Loss
from netvsc_bpf.lab.tcp import TcpResult
from netvsc_bpf.lab.udp import UdpResult

NO_PATH = "none"
"""The path of a pair that is not attached."""


class May(Enum):
    """Which packets may be lost by an event."""

    LOSE_NOTHING = "lose nothing"
    LOSE_WHAT_IS_IN_FLIGHT = "lose what is in flight"
    """Only packets sent before the event was over: they cannot be sent again."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an event may do to the pair and its traffic (DESIGN.md, the promises)."""

    path: str
    tx: May = May.LOSE_NOTHING
    rx: May = May.LOSE_NOTHING


@dataclass(frozen=True, slots=True)
class EventResult:
    """One event. ``tx`` and ``rx`` cover the packets sent from its beginning to that of the next."""

    title: str
    expected: Expectation
    before: str
    after: str
    vf_share: float
    """The share of the guest's last frames that reached the fabric by the VF."""
    done_ns: int
    """When the event's change to the VF was complete (CLOCK_MONOTONIC)."""
    tx: Loss
    rx: Loss

    def problems(self) -> list[str]:
        """Return what was unexpected."""
        found = []
        if self.after != self.expected.path:
            found.append(f"path is {self.after}, expected {self.expected.path}")
        elif (self.vf_share > 0.5) != (self.after == "vf"):
            found.append(f"path is {self.after}, but {self.vf_share:.0%} of the frames came over the VF")
        for direction, loss, may in (("tx", self.tx, self.expected.tx), ("rx", self.rx, self.expected.rx)):
            lost = loss.lost if may is May.LOSE_NOTHING else _sent_after(loss, self.done_ns)
            if lost:
                found.append(f"{direction}: {lost} packets lost that should have arrived")
            if loss.duplicates:
                found.append(f"{direction}: {loss.duplicates} packets arrived twice")
        return [f"{self.title}: {problem}" for problem in found]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The result of the whole demo."""

    how: dict[str, str]
    """What the data path reports of itself: hook, liveness, rx, guard."""
    events: tuple[EventResult, ...]
    tx: UdpResult
    rx: UdpResult
    tcp: TcpResult
    left_by_detach: Leftovers
    left_by_lab: Leftovers

    def problems(self) -> list[str]:
        """Return what was unexpected; empty after a success."""
        found = [problem for event in self.events for problem in event.problems()]
        for direction, udp in (("tx", self.tx), ("rx", self.rx)):
            if udp.receiver_drops:
                found.append(
                    f"{direction}: the receiver's buffer dropped {udp.receiver_drops}: not a valid result"
                )
        if not self.tcp.intact:
            found.append(f"TCP: {self.tcp.received} of {self.tcp.sent} bytes arrived intact")
        if self.left_by_detach:
            found.append(f"detach left {self.left_by_detach}")
        if self.left_by_lab:
            found.append(f"the lab left {self.left_by_lab}")
        return found

    def as_json(self) -> dict[str, Any]:
        """Return what `demo --json` prints. Times are seconds, losses packets."""
        return {
            "how": self.how,
            "events": [
                {
                    "event": event.title,
                    "path_before": event.before,
                    "path_after": event.after,
                    "path_expected": event.expected.path,
                    "vf_share": round(event.vf_share, 4),
                    "tx": _loss_json(event.tx),
                    "rx": _loss_json(event.rx),
                }
                for event in self.events
            ],
            "udp": {"tx": _udp_json(self.tx), "rx": _udp_json(self.rx)},
            "tcp": {
                "bytes_sent": self.tcp.sent,
                "bytes_received": self.tcp.received,
                "intact": self.tcp.intact,
                "longest_stall_seconds": self.tcp.longest_stall_s,
            },
            "left": {
                "by_detach": _leftovers_json(self.left_by_detach),
                "by_lab": _leftovers_json(self.left_by_lab),
            },
            "problems": self.problems(),
        }


def _sent_after(loss: Loss, moment_ns: int) -> int:
    # A run of missing packets that began in time but lasted too long counts as a whole.
    return sum(run.count for run in loss.missing if run.last_sent_ns > moment_ns)


def _loss_json(loss: Loss) -> dict[str, Any]:
    return {
        "sent": loss.sent,
        "lost": loss.lost,
        "duplicates": loss.duplicates,
        "longest_gap_seconds": loss.longest_gap_s,
        "longest_sender_pause_seconds": loss.longest_pause_s,
        "longest_outage_seconds": loss.longest_outage_s,
    }


def _udp_json(udp: UdpResult) -> dict[str, Any]:
    return {**_loss_json(udp.total), "receiver_drops": udp.receiver_drops, "refused": udp.refused}


def _leftovers_json(left: Leftovers) -> dict[str, list[str]]:
    return {
        "namespaces": list(left.namespaces),
        "pins": list(left.pins),
        "hooks": list(left.hooks),
    }
