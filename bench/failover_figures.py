# SPDX-License-Identifier: GPL-2.0-only
"""What `make bench-failover-guest` counts, and what it makes of the counts. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from netvsc_bpf.lab.recording import Recording


class Kind(StrEnum):
    """The ways in which a VF fails, by the words of tables and JSON."""

    DOWN = "ip link set down"
    NUMVFS = "sriov_numvfs=0"
    UNBIND = "driver unbind"
    CARRIER = "carrier (PF down)"
    HOT_UNPLUG = "hot-unplug"
    WIRE = "carrier (wire)"
    WIRE_AGAIN = "carrier, link events late"


PLANNED = (Kind.DOWN, Kind.NUMVFS, Kind.UNBIND)
"""The guest's kernel knows before the device stops."""
CARRIER = (Kind.CARRIER, Kind.WIRE, Kind.WIRE_AGAIN)


@dataclass(frozen=True, slots=True)
class Leaving:
    """One failure in one direction, from the moment before it to the moment before the VF is given back."""

    sent: int
    lost: int
    before: int
    """Of those lost, sent before the border: its carrier's being off, or its queues' being stopped.

    What the VF had accepted by then only its driver can deliver.
    """
    gap_ms: float
    """The longest time in which nothing arrived, between two packets or after the last one."""
    pause_ms: float
    """The longest time between two sends: a gap of that length can be the sender's own."""
    duplicates: int
    vf_dropped: int
    """What the VF's driver counted as tx_dropped."""
    border_ms: float | None
    """From the begin of the failure to the border; None: it had none, so all that was lost counts."""
    told_late_ms: float | None = None
    """From the carrier's being off to RTM_NEWLINK; None: no message while it was observed."""
    took_effect_ms: float | None = None
    """From the driver's call of netif_carrier_off() to the carrier's being off; None: another failure."""
    later: int = 0
    """Of those lost, sent after the VF reported a carrier again, while it still had none.

    igbvf does so between two resets while its PF is down. A contender that goes by the carrier uses it again.
    """
    closed_ms: float | None = None
    """From the border until the kernel began to close the VF; None: it was not taken down meanwhile."""
    restored_ms: float | None = None
    """From the border to the first arrival after the last loss; None: lost to the end, or nothing lost."""

    @property
    def after(self) -> int:
        """Of those lost, sent after the border: what failing over is to blame for."""
        return self.lost - self.before - self.later

    @property
    def cut_off(self) -> bool:
        """Most of it never arrived: there is no gap to speak of, but an end."""
        return self.after > self.sent / 2


@dataclass(frozen=True, slots=True)
class Return:
    """From the moment before the VF is given back until it carries the traffic again."""

    sent: int
    lost: int
    reordered: int
    duplicates: int
    seconds: float
    used_again: bool


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a recording's packets, by CLOCK_MONOTONIC ns of their sending."""

    begin_ns: int
    end_ns: int


def leaving(
    recording: Recording,
    span: Span,
    border_ns: int | None,
    *,
    vf_dropped: int = 0,
    given_up_ns: int | None = None,
    notified_ns: int | None = None,
    link_again_ns: int | None = None,
    closed_ns: int | None = None,
) -> Leaving:
    """Sum up a failure."""
    whole = recording.window(span.begin_ns, span.end_ns)
    before = later = 0
    if border_ns is not None:
        before = recording.window(span.begin_ns, min(border_ns, span.end_ns)).lost
    if link_again_ns is not None and link_again_ns < span.end_ns:
        later = recording.window(link_again_ns, span.end_ns).lost
    return Leaving(
        sent=whole.sent,
        lost=whole.lost,
        before=before,
        gap_ms=max(whole.longest_gap_s * 1e3, _silent_at_last_ms(recording, span)),
        pause_ms=whole.longest_pause_s * 1e3,
        duplicates=whole.duplicates,
        vf_dropped=vf_dropped,
        border_ms=_ms_between(span.begin_ns, border_ns),
        told_late_ms=_ms_between(border_ns, notified_ns),
        took_effect_ms=_ms_between(given_up_ns, border_ns),
        later=later,
        closed_ms=_ms_between(border_ns, closed_ns),
        restored_ms=_ms_between(border_ns, _restored_ns(recording, span)),
    )


def gaps_ms(leavings: Sequence[Leaving]) -> list[float]:
    """Return the gaps of those failures that had one; none where most of them had an end instead."""
    gaps = [one.gap_ms for one in leavings if not one.cut_off]
    return gaps if len(gaps) > len(leavings) / 2 else []


def _numbers(recording: Recording, span: Span) -> tuple[int, int]:
    """Return the number of the first packet sent in a stretch, and of the first one after it."""
    return bisect_left(recording.sent_ns, span.begin_ns), bisect_left(recording.sent_ns, span.end_ns)


def _silent_at_last_ms(recording: Recording, span: Span) -> float:
    """Return how long before the end of a stretch its last packet arrived, if any of it did."""
    begin, end = _numbers(recording, span)
    last = max(recording.arrived_ns[begin:end], default=0) or span.begin_ns
    return max(0.0, (span.end_ns - last) / 1e6)


def _restored_ns(recording: Recording, span: Span) -> int | None:
    begin, end = _numbers(recording, span)
    after_last_loss = recording.copies.rfind(0, begin, end) + 1
    return recording.arrived_ns[after_last_loss] if begin < after_last_loss < end else None


def _ms_between(begin_ns: int | None, end_ns: int | None) -> float | None:
    return None if begin_ns is None or end_ns is None else (end_ns - begin_ns) / 1e6


def returning(recording: Recording, span: Span, *, seconds: float, used_again: bool) -> Return:
    """Sum up a return."""
    whole = recording.window(span.begin_ns, span.end_ns)
    return Return(whole.sent, whole.lost, overtaken(recording, span), whole.duplicates, seconds, used_again)


def overtaken(recording: Recording, span: Span) -> int:
    """Count the packets of a stretch that arrived after one that was sent later."""
    begin, end = _numbers(recording, span)
    earliest: int | None = None
    count = 0
    for arrived in reversed(recording.arrived_ns[begin:end]):
        if not arrived:
            continue
        if earliest is not None and arrived > earliest:
            count += 1
        earliest = arrived if earliest is None else min(earliest, arrived)
    return count


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the values that ``share`` of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000 * len(ordered)) // 1000) - 1)]


def times_less(ours: Sequence[Leaving], theirs: Sequence[Leaving]) -> float:
    """Return how many times more they lose a failure, after the border.

    Where we lose nothing at all, one packet is taken for all our failures together: more was not shown.
    """
    our_mean = max(1, sum(one.after for one in ours)) / len(ours)
    return sum(one.after for one in theirs) / len(theirs) / our_mean
