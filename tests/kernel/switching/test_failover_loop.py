# SPDX-License-Identifier: GPL-2.0-only
"""A short round of `make bench-failover`: the same events, the same count, at a rate any machine can hold."""

import pytest

from bench.failover import Tally, measure


def _line(tally: Tally) -> str:
    sent = sum(loss.sent for loss in tally.leavings)
    lost = [loss.lost for loss in tally.leavings]
    return f"{tally.event.name}: {sent} sent, lost {lost}, of these counted {tally.counted}"


@pytest.mark.timeout(300)
def test_s19_no_process_alive_no_packet_lost_whichever_way_the_vf_goes() -> None:
    tallies = measure(3, rate=5_000)
    print("\n".join(map(_line, tallies)))
    assert [tally.violations for tally in tallies] == [[] for _ in tallies]
    control = tallies[-1]
    assert not control.event.leaves
    assert all(loss.sent for tally in tallies for loss in tally.leavings), "nothing was sent during a leave"
