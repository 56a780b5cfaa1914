# SPDX-License-Identifier: GPL-2.0-only
"""All failures of one kind with one contender under one load: what was seen, and what it sums up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from bench.failover_figures import Leaving, Return, Span, leaving, returning
from netvsc_bpf.lab.udp import UdpResult


@dataclass(slots=True)
class Marks:
    """When one failure went how: CLOCK_MONOTONIC ns."""

    begin_ns: int
    back_ns: int = 0
    """The VF is about to be given back."""
    end_ns: int = 0
    border_ns: int | None = None
    given_up_ns: int | None = None
    notified_ns: int | None = None
    link_again_ns: int | None = None
    """After the border the carrier was on again, before anybody gave it back."""
    closed_ns: int | None = None
    """After the border the kernel began to close the VF."""
    vf_dropped: int = 0
    used_again: bool = False
    linkless: bool = False
    """It is not used again, and has no link of its own."""
    path_changes: int = 0


@dataclass(slots=True)
class Row:
    """What is written down; ``wanted`` and ``rates`` are packets a second by direction, asked and reached."""

    contender: str
    failure: str
    wanted: dict[str, int]
    tx: list[Leaving] = field(default_factory=list)
    rx: list[Leaving] = field(default_factory=list)
    tx_returns: list[Return] = field(default_factory=list)
    rx_returns: list[Return] = field(default_factory=list)
    path_changes: list[int] = field(default_factory=list)
    """Ours: how often the kernel says that it changed the path, for each failure and return."""
    rates: dict[str, float] = field(default_factory=dict)
    receiver_drops: int = 0
    """Packets that arrived and found a receiver's own buffer full; they are among the lost."""
    seconds: float = 0.0
    linkless: int = 0
    """How often the VF was not used again and had no link itself: no contender could have used it."""
    problem: str = ""
    """Why fewer than wanted were measured, or what else is to be known."""

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Self:
        """Return what asdict() wrote."""
        lists = {name: [Leaving(**one) for one in written[name]] for name in ("tx", "rx")}
        again = {name: [Return(**one) for one in written[name]] for name in ("tx_returns", "rx_returns")}
        return cls(**{**written, **lists, **again})

    def leavings(self, way: str) -> list[Leaving]:
        """Return the failures in a direction, `tx` or `rx`."""
        return self.tx if way == "tx" else self.rx

    def add(self, marks: Sequence[Marks], tx: UdpResult, rx: UdpResult) -> None:
        """Add the failures under a pair of streams that have ended."""
        self.receiver_drops += tx.receiver_drops + rx.receiver_drops
        self.path_changes += [mark.path_changes for mark in marks]
        self.linkless += sum(mark.linkless for mark in marks)
        self._add(marks, tx, "tx", self.tx, self.tx_returns)
        self._add(marks, rx, "rx", self.rx, self.rx_returns)

    def complain(self) -> None:
        """Say in words how often it did not return to the VF, if ever."""
        if astray := sum(not one.used_again for one in self.tx_returns):
            self.problem = (
                f"it did not return to the VF {astray} times of {len(self.tx)}, and was set up anew"
            )
            if self.linkless:
                self.problem += f" ({self.linkless} times the VF's own driver had no link)"

    def _add(
        self,
        marks: Sequence[Marks],
        result: UdpResult,
        way: str,
        leavings: list[Leaving],
        returns: list[Return],
    ) -> None:
        recording = result.recording
        if len(recording.sent_ns) > 1:
            seconds = (recording.sent_ns[-1] - recording.sent_ns[0]) / 1e9
            self.rates[way] = round(len(recording.sent_ns) / seconds)
        for mark in marks:
            away, again = Span(mark.begin_ns, mark.back_ns), Span(mark.back_ns, mark.end_ns)
            dropped = mark.vf_dropped if way == "tx" else 0
            leavings.append(
                leaving(
                    recording,
                    away,
                    mark.border_ns,
                    vf_dropped=dropped,
                    given_up_ns=mark.given_up_ns,
                    notified_ns=mark.notified_ns,
                    link_again_ns=mark.link_again_ns,
                    closed_ns=mark.closed_ns,
                )
            )
            took_s = (mark.end_ns - mark.back_ns) / 1e9
            returns.append(returning(recording, again, seconds=took_s, used_again=mark.used_again))

    def in_words(self) -> str:
        """Sum it up in a line."""
        ways = [("tx", self.tx, self.tx_returns), ("rx", self.rx, self.rx_returns)]
        lost = "; ".join(
            f"{way} {self.rates.get(way, 0):.0f}/s: lost {[one.after for one in leavings]}, "
            f"before {[one.before for one in leavings]}, returning {[one.lost for one in returns]}"
            for way, leavings, returns in ways
        )
        return f"{self.contender}, {self.failure}, {self.seconds:.0f} s: {lost} {self.problem}"
