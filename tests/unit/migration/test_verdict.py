# SPDX-License-Identifier: GPL-2.0-only
"""What a migration must not do, and how long a VF took."""

import json
from dataclasses import replace

import pytest

from bench.migration import settled_ms
from tests.migration.losses import Phase, Times
from tests.migration.run import judged
from tests.migration.trip import Found

S = 10**9
ONE = Times(unplug=10 * S, unplugged=11 * S, stop=20 * S, resume=21 * S, plug=22 * S, used=25 * S)
NOTHING = dict.fromkeys(Phase, 0)


def lines(*records: dict[str, object]) -> str:
    return "".join(f"{json.dumps(record)}\n" for record in records)


def switched(to: str, reason: str, at_s: float) -> dict[str, object]:
    return {"event": "switched", "to": to, "reason": reason, "monotonic_ns": round(at_s * S)}


GONE, ARMED = switched("synthetic", "vf-gone", 10.1), switched("vf", "armed", 24.9)
GOOD = Found(
    times=[ONE, ONE],
    to_guest=NOTHING | {Phase.PAUSE: 20, Phase.UNPLUG: 2},
    from_guest=NOTHING,
    sent_to_guest=1000,
    sent_from_guest=1000,
    twice=0,
    tcp_intact=True,
    tcp_longest_s=0.3,
    heard=[],
    notes={"manager": lines(GONE, ARMED), "dmesg": "", "links": ""},
)


def test_s106_packet_for_each_unplug_and_what_the_pause_takes_is_allowed() -> None:
    assert judged(GOOD) == []
    assert judged(replace(GOOD, tcp_intact=None)) == [], "a guest that only receives has no TCP stream"


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (replace(GOOD, to_guest=NOTHING | {Phase.UNPLUG: 3}), "unplug"),
        (replace(GOOD, from_guest=NOTHING | {Phase.OTHER: 1}), "neither"),
        (replace(GOOD, twice=1), "twice"),
        (replace(GOOD, tcp_intact=False), "TCP"),
        (replace(GOOD, times=[ONE, replace(ONE, used=None)]), "not used again"),
        (replace(GOOD, notes=GOOD.notes | {"manager": lines({"event": "damped"})}), "damped"),
        (
            replace(GOOD, notes=GOOD.notes | {"manager": lines(switched("synthetic", "vf-down", 1))}),
            "vf-down",
        ),
        (replace(GOOD, notes=GOOD.notes | {"dmesg": "[ 1.0] WARNING: CPU: 0"}), "complained"),
    ],
)
def test_s106_what_must_not_be_is_noticed(bad: Found, word: str) -> None:
    (problem,) = judged(bad)
    assert word in problem


def test_time_since_the_carrier_is_that_since_the_last_one_before_the_return() -> None:
    carriers = lines(
        {"ifindex": 2, "carrier": True, "at": 1 * S},
        {"ifindex": 3, "carrier": True, "at": round(24.6 * S)},
        {"ifindex": 3, "carrier": False, "at": round(24.8 * S)},
        {"ifindex": 2, "carrier": True, "at": 30 * S},
    )
    found = replace(GOOD, notes=GOOD.notes | {"links": carriers})
    assert settled_ms(found) == [pytest.approx(300)]
    assert settled_ms(replace(found, notes={"dmesg": ""})) == []
