# SPDX-License-Identifier: GPL-2.0-only
"""What is wrong is said in words: why, since when, and what helps."""

from dataclasses import replace
from datetime import timedelta

import pytest

from netvsc_bpf.model.drain import Drained, DrainedBy
from netvsc_bpf.model.path import Liveness, Reason, ReturnPolicy
from netvsc_bpf.view.words import explain, since
from tests.unit.view.shapes import CHANGED, ON_VF, on_synthetic


def test_traffic_on_the_vf_needs_no_remedy() -> None:
    explained = explain(ON_VF)
    assert (explained.where, explained.why, explained.remedy) == ("On the VF enP31819s1", None, None)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ARMED])
def test_every_reason_is_a_sentence_of_its_own(reason: Reason) -> None:
    explained = explain(on_synthetic(reason))
    assert explained.where == "On the synthetic path"
    assert explained.why is not None and reason.value not in explained.why, "the label is no explanation"
    others = {explain(on_synthetic(other)).why for other in Reason if other not in (reason, Reason.ARMED)}
    assert explained.why not in others


def test_s16_vf_that_is_down_comes_with_the_command_that_helps() -> None:
    explained = explain(on_synthetic(Reason.VF_DOWN))
    assert explained.why == "enP31819s1 is administratively down"
    assert explained.remedy == "`ip link set dev enP31819s1 up`"


def test_lost_link_says_when_the_manager_looks_for_it() -> None:
    lost = on_synthetic(Reason.NO_CARRIER)
    assert explain(lost).remedy == "check the other end: the host's port or the switch"
    known = explain(replace(lost, until=CHANGED)).remedy
    assert known is not None and "the manager brings enP31819s1 up at 2026-11-22 07:00:00+00:00" in known


def test_nic_that_is_not_used_may_fit_later() -> None:
    alone = on_synthetic(Reason.NO_VF)
    assert (explain(alone).remedy or "").startswith("when the host adds one, `netvsc-bpf run`")
    explained = explain(replace(alone, unused=("vf0 is not used: it is not a PCI device",)))
    assert explained.why == "eth0 has no VF now; vf0 is not used: it is not a PCI device"
    assert (explained.remedy or "").startswith("when it fits, or the host adds another, `netvsc-bpf run`")


def test_s100_next_vf_waits_for_the_operator_as_the_one_that_is_gone() -> None:
    explained = explain(on_synthetic(Reason.NO_VF, return_policy=ReturnPolicy.MANUAL))
    assert "automatically" not in (explained.remedy or "")
    assert "`netvsc-bpf undrain eth0` allows its use" in (explained.remedy or "")


def test_settling_on_the_netlink_rung_needs_the_manager() -> None:
    settling = on_synthetic(Reason.SETTLING)
    assert "next packet" in (explain(settling).remedy or "")
    assert "run" in (explain(replace(settling, liveness=Liveness.NETLINK)).remedy or "")


@pytest.mark.parametrize("reason", [Reason.DAMPED, Reason.STALLED])
def test_when_a_vf_is_used_again_comes_from_the_manager(reason: Reason) -> None:
    pair = on_synthetic(reason)
    known = explain(replace(pair, managed=True, until=CHANGED)).remedy or ""
    assert known.startswith("the manager will use it again at 2026-11-22 07:00:00+00:00, unless it fails")
    alone = explain(replace(pair, managed=False)).remedy or ""
    assert "no manager runs" in alone and "`netvsc-bpf run`" in alone
    for managed in (True, None):
        unknown = explain(replace(pair, managed=managed)).remedy or ""
        assert "the manager will use it again" in unknown
        assert not any(character.isdigit() for character in unknown)


def test_s101_a_stalled_vf_is_not_said_to_be_up_for_we_took_it_down() -> None:
    stalled = on_synthetic(Reason.STALLED)
    assert stalled.vf is not None
    down = replace(stalled, vf=replace(stalled.vf, up=False), taken_down=Reason.STALLED)
    assert " is up" not in (explain(down).why or "")


@pytest.mark.parametrize("reason", [Reason.DAMPED, Reason.STALLED, Reason.MTU_REFUSED, Reason.XDP_MISSING])
def test_s101_vf_that_is_not_to_be_used_and_is_up_is_said_to_be_delivered_to(reason: Reason) -> None:
    explained = explain(on_synthetic(reason)).why or ""
    assert explained.endswith("; enP31819s1 is up, so its switch may go on delivering to it")


@pytest.mark.parametrize("reason", [Reason.SETTLING, Reason.NO_CARRIER, Reason.NOT_PERMITTED])
def test_s101_of_a_vf_that_nothing_was_decided_about_it_is_not_said(reason: Reason) -> None:
    assert "delivering" not in (explain(on_synthetic(reason)).why or "")


@pytest.mark.parametrize("reason", [Reason.NO_CARRIER, Reason.MTU_REFUSED, Reason.XDP_MISSING])
def test_s101_vf_that_was_taken_down_comes_up_by_a_command_while_no_manager_runs(reason: Reason) -> None:
    pair = replace(on_synthetic(reason), managed=False)
    cause = explain(pair).remedy
    assert cause is not None
    explained = explain(replace(pair, taken_down=reason)).remedy
    assert explained == (
        f"{cause}; then `netvsc-bpf attach eth0` or `netvsc-bpf run`: "
        "enP31819s1 was taken down, and no manager runs"
    )
    for managed in (True, None):
        assert explain(replace(pair, taken_down=reason, managed=managed)).remedy == cause


def test_s101_vf_that_is_down_only_because_it_was_taken_down_needs_no_ip_link() -> None:
    pair = replace(on_synthetic(Reason.VF_DOWN), managed=False, taken_down=Reason.DRAINED)
    remedy = explain(pair).remedy or ""
    assert remedy.startswith("`netvsc-bpf attach eth0` or `netvsc-bpf run`: ")


def test_s98_drain_is_reported_with_its_reason_and_what_ends_it() -> None:
    pair = on_synthetic(Reason.DRAINED, drained=Drained(CHANGED, None, "the host\nis serviced"))
    assert pair.vf is not None
    assert "may go on delivering" in (explain(pair).why or ""), "as with leave = steer"
    pair = replace(pair, vf=replace(pair.vf, up=False), taken_down=Reason.DRAINED)
    explained = explain(pair)
    assert (
        explained.why
        == "an operator moved traffic off enP31819s1 at 2026-11-22 07:00:00+00:00: the host / is serviced"
    )
    assert explained.remedy == "`netvsc-bpf undrain eth0` ends it"
    timed = replace(pair, drained=Drained(CHANGED, CHANGED + timedelta(hours=1)))
    for managed, said in ((True, "the manager ends it at"), (False, "no manager runs to end it at")):
        remedy = explain(replace(timed, managed=managed)).remedy or ""
        assert (
            said in remedy and "2026-11-22 08:00:00+00:00" in remedy and "`netvsc-bpf undrain eth0`" in remedy
        )


def test_detach_that_was_interrupted_is_no_drain_of_an_operator() -> None:
    explained = explain(on_synthetic(Reason.DRAINED))
    assert (explained.why or "").startswith("a `detach` or `undrain` of eth0 was interrupted")
    assert explained.remedy == (
        "`netvsc-bpf detach eth0` finishes it, `netvsc-bpf attach eth0` uses enP31819s1 again"
    )


def test_s99_drain_for_maintenance_is_the_managers_and_says_when_it_ends() -> None:
    drained = Drained(CHANGED, CHANGED + timedelta(hours=1), "maintenance, Freeze", DrainedBy.MAINTENANCE)
    pair = on_synthetic(Reason.DRAINED, drained=drained)
    assert (explain(pair).why or "").startswith(
        "the manager moved traffic off enP31819s1 at 2026-11-22 07:00"
    )
    assert explain(replace(pair, managed=True)).remedy == (
        "the manager ends it when the maintenance is over, or at 2026-11-22 08:00:00+00:00 if its source "
        "falls silent; `netvsc-bpf undrain eth0` ends it sooner"
    )
    assert "no manager runs to end it at" in (explain(replace(pair, managed=False)).remedy or "")


def test_since_shows_the_time_and_how_long_ago() -> None:
    assert since(ON_VF, CHANGED + timedelta(minutes=3)) == "since 2026-11-22 07:00:00+00:00 (3 min)"


def test_pair_that_never_changed_has_been_so_since_attach() -> None:
    assert since(replace(ON_VF, last_change=None, since=None), CHANGED) == "since attach"


def test_change_that_is_not_noticed_yet_is_not_dated_back() -> None:
    assert "next packet" in since(on_synthetic(Reason.VF_DOWN, since=None), CHANGED)
