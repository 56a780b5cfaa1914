# SPDX-License-Identifier: GPL-2.0-only
"""Why a pair is on its path, in words, and what to do about it. Pure."""

from dataclasses import dataclass
from datetime import datetime

from netvsc_bpf.model.drain import DrainedBy
from netvsc_bpf.model.names import as_argument, quoted
from netvsc_bpf.model.path import Liveness, Path, Reason, ReturnPolicy
from netvsc_bpf.model.status import PairStatus
from netvsc_bpf.model.timestamp import local
from netvsc_bpf.view.amounts import ago
from netvsc_bpf.view.event_lines import plain

_HELD_BACK = frozenset({Reason.DAMPED, Reason.STALLED, Reason.UNREACHABLE, Reason.DRAINED, Reason.MANUAL})
"""The remedies for these say what makes the VF be used again."""
_DECIDED = _HELD_BACK | {Reason.MTU_REFUSED, Reason.XDP_MISSING}
"""The VF's state would let it carry packets, but netvsc-bpf decided not to use it."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The path, the reason (None on the VF), and what to do (None if there is nothing to do)."""

    where: str
    why: str | None = None
    remedy: str | None = None


def explain(pair: PairStatus) -> Explanation:
    """Explain which path the next packet of a pair takes, and why."""
    name, vf = pair.synthetic.name, _vf(pair)
    if pair.path is Path.VF:
        return Explanation(f"On the VF {vf}")
    why, remedy = _why(pair, name, vf)
    if pair.reason in _DECIDED and pair.vf is not None and pair.vf.up:
        why = f"{why}; {vf} is up, so its switch may go on delivering to it"
    if pair.taken_down is not None and pair.managed is False and pair.reason not in _HELD_BACK:
        # A VF that is down only because netvsc-bpf took it down has no other cause to remove.
        bring_up = _bring_up(name, vf)
        remedy = bring_up if pair.reason is Reason.VF_DOWN else f"{remedy}; then {bring_up}"
    return Explanation("On the synthetic path", why, remedy)


def since(pair: PairStatus, now: datetime) -> str:
    """Return since when the pair is on its path: ``since 2026-11-24 18:22:06+01:00 (3 min)``."""
    if pair.since is not None:
        return f"since {local(pair.since)} ({ago((now - pair.since).total_seconds())})"
    if pair.last_change is None:
        return "since attach"
    return "from the next packet on"


def _why(pair: PairStatus, name: str, vf: str) -> tuple[str, str | None]:
    reasons: dict[Reason, tuple[str, str | None]] = {
        Reason.NO_VF: (
            "; ".join([f"{name} has no VF now", *pair.unused]),
            _vf_again(pair),
        ),
        Reason.VF_DOWN: (f"{vf} is administratively down", f"`ip link set dev {quoted(vf)} up`"),
        Reason.NO_CARRIER: (f"{vf} has no carrier", _link_again(pair)),
        Reason.VF_DETACHED: (
            f"the driver of {vf} has taken it out of service",
            "see `dmesg`: the driver may be resetting it",
        ),
        Reason.VF_GONE: (
            f"the VF of {name} was removed",
            "wait for the host to add it again, as it does after a migration",
        ),
        Reason.TX_TIMEOUT: (f"a transmit queue of {vf} timed out", "see `dmesg` for messages of its driver"),
        Reason.SETTLING: (
            f"{vf} is usable again and must stay usable for the settle time",
            _settling(pair),
        ),
        Reason.SYNTHETIC_DOWN: (f"{name} itself is down", f"`ip link set dev {quoted(name)} up`"),
        Reason.MTU_REFUSED: (
            f"{vf} does not support the MTU of {name}, {pair.synthetic.mtu} bytes",
            f"set {name} to an MTU that {vf} supports too",
        ),
        Reason.DAMPED: (
            f"{vf} failed too often recently and is not used for a while",
            _used_again(pair, "once it has not failed for long enough"),
        ),
        Reason.STALLED: (
            f"{vf} did not transmit the packets it was given, or its driver did not respond",
            f"{_used_again(pair, 'after a while')}; see its counters with `ip -s link`",
        ),
        Reason.UNREACHABLE: (
            f"nothing answered while {vf} was used, although it was up and had carrier",
            f"{_used_again(pair, 'after a while')}; check the switch port of {vf}",
        ),
        Reason.MANUAL: (
            f"{vf} failed or was removed, and is not used before an operator allows it",
            f"check {vf}, then `netvsc-bpf undrain {as_argument(name)}`",
        ),
        Reason.XDP_MISSING: (
            f"{name} runs an XDP program, {vf} does not, and --xdp require is set",
            f"attach the program to {vf} too",
        ),
        Reason.DRAINED: _why_drained(pair, vf),
        Reason.NOT_PERMITTED: (
            f"{vf} is not permitted: neither `attach` nor the manager has enabled it",
            f"`netvsc-bpf attach {as_argument(name)}`, or keep `netvsc-bpf run` running",
        ),
    }
    return reasons.get(pair.reason, (f"{pair.reason}", None))


def _vf_again(pair: PairStatus) -> str:
    """Return what has a VF used where there is none that fits."""
    name = as_argument(pair.synthetic.name)
    when = f"when {'it fits, or the host adds another' if pair.unused else 'the host adds one'}"
    if pair.return_policy is ReturnPolicy.MANUAL:
        run = f"{when}, `netvsc-bpf run` or `netvsc-bpf attach {name}` adopts it"
        return f"{run}; if one failed or was removed before, `netvsc-bpf undrain {name}` allows its use"
    return f"{when}, `netvsc-bpf run` uses it automatically; without it run `netvsc-bpf attach {name}`"


def _why_drained(pair: PairStatus, vf: str) -> tuple[str, str]:
    if pair.drained is not None:
        return f"{_drained_by(pair)} moved traffic off {vf}{_drain_words(pair)}", end_of_drain(pair)
    # There is no drain that `undrain` could end: `detach` withdraws the permission first, for this reason.
    name = as_argument(pair.synthetic.name)
    return (
        f"a `detach` or `undrain` of {pair.synthetic.name} was interrupted",
        f"`netvsc-bpf detach {name}` finishes it, `netvsc-bpf attach {name}` uses {vf} again",
    )


def passed_by(pair: PairStatus) -> str:
    """Return which programs do not see the packets that go to the VF."""
    programs = ", ".join(map(str, pair.passed_by))
    return f"Bypassed: tcx program {programs}, attached after steer, does not see packets steered to the VF"


def put_steer_last(pair: PairStatus) -> str:
    """Return how to move steer behind them."""
    name = as_argument(pair.synthetic.name)
    return f"`netvsc-bpf attach {name}` moves steer behind it; `netvsc-bpf run` does so within seconds"


def _used_again(pair: PairStatus, otherwise: str) -> str:
    """Return when the VF is used again. The manager decides that by its own configuration."""
    if pair.managed is False:
        name = as_argument(pair.synthetic.name)
        return f"no manager runs to use it again: start `netvsc-bpf run`, or `netvsc-bpf attach {name}`"
    when = otherwise if pair.until is None else f"at {local(pair.until)}"
    return f"the manager will use it again {when}, unless it fails before"


def _link_again(pair: PairStatus) -> str:
    """Return what to check, and when the manager brings up a VF that it took down for its lost link."""
    check = "check the other end: the host's port or the switch"
    if pair.until is None:
        return check
    return f"{check}; the manager brings {_vf(pair)} up at {local(pair.until)} to see if its link is back"


def drained(pair: PairStatus) -> str:
    """Return that the pair is drained, for a pair that has another reason for the synthetic path as well."""
    return f"Drained{_drain_words(pair)}"


def end_of_drain(pair: PairStatus) -> str:
    """Return what ends the drain of a pair."""
    name, until = as_argument(pair.synthetic.name), None if pair.drained is None else pair.drained.until
    by_hand = f"`netvsc-bpf undrain {name}` ends it"
    if until is None:
        return by_hand
    when = local(until)
    if _for_maintenance(pair) and pair.managed is not False:
        silent = f"at {when} if its source falls silent"
        return f"the manager ends it when the maintenance is over, or {silent}; {by_hand} sooner"
    if pair.managed is False:
        return f"no manager runs to end it at {when}: {by_hand}"
    return f"the manager ends it at {when}; {by_hand} sooner"


def _for_maintenance(pair: PairStatus) -> bool:
    return pair.drained is not None and pair.drained.by is DrainedBy.MAINTENANCE


def _drained_by(pair: PairStatus) -> str:
    return "the manager" if _for_maintenance(pair) else "an operator"


def _drain_words(pair: PairStatus) -> str:
    if pair.drained is None:
        return ""
    since = f" at {local(pair.drained.since)}"
    return f"{since}: {plain(pair.drained.why)}" if pair.drained.why else since


def _bring_up(name: str, vf: str) -> str:
    run = f"`netvsc-bpf attach {as_argument(name)}` or `netvsc-bpf run`"
    return f"{run}: {vf} was taken down, and no manager runs"


def manager(pair: PairStatus) -> str | None:
    """Return whether a manager runs, None if that was not asked."""
    if pair.managed is None:
        return None
    if pair.managed:
        return "running"
    return "none runs: a new VF is not adopted, and changed settings are not synced (`netvsc-bpf run`)"


def no_pairs() -> str:
    """Return what to do where nothing is attached."""
    return (
        "no pair is attached: attach one with `netvsc-bpf attach IFACE`, or all with `netvsc-bpf run`; "
        "`netvsc-bpf doctor` shows what is possible here"
    )


def _settling(pair: PairStatus) -> str:
    if pair.liveness is Liveness.NETLINK:
        return "at this liveness level a running manager (`netvsc-bpf run`) has to enable it"
    when = "once the settle time is over" if pair.until is None else f"from {local(pair.until)} on"
    return f"no action needed: it is used {when}, with the next packet that is sent"


def _vf(pair: PairStatus) -> str:
    return "the VF" if pair.vf is None else pair.vf.name
