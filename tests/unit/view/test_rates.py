# SPDX-License-Identifier: GPL-2.0-only
"""Rates are differences over time, per direction and path."""

from dataclasses import replace

from netvsc_bpf.model.status import PairStatus, PathTraffic, Traffic
from netvsc_bpf.view.rates import Look, PathRates, Rate, busiest_first, by_name, rates, watch
from tests.unit.view.shapes import ON_VF


def sent(pair: PairStatus, packets: int, size: int) -> PairStatus:
    """The same pair after so much more went out by the VF."""
    more = pair.tx.vf + Traffic(packets, size)
    return replace(pair, tx=PathTraffic(vf=more, synthetic=pair.tx.synthetic))


def other(name: str, ifindex: int) -> PairStatus:
    return replace(ON_VF, synthetic=replace(ON_VF.synthetic, name=name, ifindex=ifindex))


def test_rate_is_per_second_and_in_bits() -> None:
    (one,) = rates(Look(10.0, [ON_VF]), Look(12.0, [sent(ON_VF, 200, 20_000)]))
    assert one.tx == PathRates(vf=Rate(100.0, 80_000.0))
    assert one.rx == PathRates()
    assert one.bits == 80_000.0
    assert one.drops == 3, "duplicates that guard stopped were not lost"


def test_pair_that_is_new_has_no_rate_yet() -> None:
    (one,) = rates(Look(0.0, []), Look(1.0, [ON_VF]))
    assert (one.tx, one.rx, one.bits) == (None, None, 0)


def test_pair_attached_anew_has_no_negative_rate() -> None:
    fresh = replace(ON_VF, tx=PathTraffic(), rx=PathTraffic())
    (one,) = rates(Look(0.0, [ON_VF]), Look(1.0, [fresh]))
    assert one.tx is None


def test_pair_that_went_is_no_longer_shown() -> None:
    assert rates(Look(0.0, [ON_VF]), Look(1.0, [])) == []


def test_busiest_comes_first_and_the_idle_stay_by_name() -> None:
    before = [other("eth2", 3), other("eth0", 4), other("eth1", 5)]
    after = [before[0], before[1], sent(before[2], 10, 1000)]
    shown = rates(Look(0.0, before), Look(1.0, after))
    assert [one.now.synthetic.name for one in busiest_first(shown)] == ["eth1", "eth0", "eth2"]
    assert [one.now.synthetic.name for one in by_name(shown)] == ["eth0", "eth1", "eth2"]


def test_watch_compares_each_look_with_the_one_before() -> None:
    looks = iter([Look(0.0, [ON_VF]), Look(1.0, [sent(ON_VF, 5, 0)]), Look(2.0, [sent(ON_VF, 12, 0)])])
    waits = iter([True, True, False])
    seen = list(watch(lambda: next(looks), lambda: next(waits)))
    assert [one.tx.vf.packets for (one,) in seen if one.tx] == [5, 7]
