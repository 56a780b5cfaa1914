# SPDX-License-Identifier: GPL-2.0-only
"""Why a pair is on its path, in words, and what helps. Pure."""

from dataclasses import dataclass
from datetime import datetime

from netvsc_bpf.model.names import as_argument, quoted
from netvsc_bpf.model.path import Liveness, Path, Reason
from netvsc_bpf.model.status import PairStatus
from netvsc_bpf.view.amounts import ago
from netvsc_bpf.view.event_lines import plain

_LEFT_ALONE = frozenset({Reason.DAMPED, Reason.STALLED, Reason.DRAINED})
"""Their remedies say by themselves who uses the VF again."""
_DECIDED = _LEFT_ALONE | {Reason.MTU_REFUSED, Reason.XDP_MISSING}
"""The VF could carry packets, as far as its state tells, and is not to."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which way, why (None on the VF), and what to do where somebody can do something."""

    where: str
    why: str | None = None
    remedy: str | None = None


def explain(pair: PairStatus) -> Explanation:
    """Say which way the next packet of a pair goes, and why."""
    name, vf = pair.synthetic.name, _vf(pair)
    if pair.path is Path.VF:
        return Explanation(f"On the VF {vf}")
    why, remedy = _why(pair, name, vf)
    if pair.reason in _DECIDED and pair.vf is not None and pair.vf.up:
        why = f"{why}; {vf} is up, so its switch may go on delivering to it"
    if pair.taken_down is not None and pair.managed is False and pair.reason not in _LEFT_ALONE:
        remedy = f"{remedy}; then {_bring_up(name, vf)}"
    return Explanation("On the synthetic path", why, remedy)


def since(pair: PairStatus, now: datetime) -> str:
    """Say since when: ``since 2026-11-24 18:22:06 UTC (3 min)``."""
    if pair.since is not None:
        return f"since {pair.since:%Y-%m-%d %H:%M:%S} UTC ({ago((now - pair.since).total_seconds())})"
    if pair.last_change is None:
        return "since attach"
    return "from the next packet on"


def _why(pair: PairStatus, name: str, vf: str) -> tuple[str, str | None]:
    reasons: dict[Reason, tuple[str, str | None]] = {
        Reason.NO_VF: (
            f"{name} has no VF now",
            "one that the host adds is used by itself under `netvsc-bpf run`, "
            f"else after `attach {as_argument(name)}`",
        ),
        Reason.VF_DOWN: (f"{vf} is administratively down", f"`ip link set {quoted(vf)} up`"),
        Reason.NO_CARRIER: (f"{vf} has no carrier", "see to the other end: the host's port or the switch"),
        Reason.VF_DETACHED: (f"the driver of {vf} has taken it out of service", "see `dmesg` for its reset"),
        Reason.VF_GONE: (f"{name} has lost its VF", "the host brings it back, as after a migration"),
        Reason.TX_TIMEOUT: (f"the transmit queue of {vf} hung", "see `dmesg` for what its driver says"),
        Reason.SETTLING: (
            f"{vf} is usable again and has to stay so for the settle time",
            _settling(pair),
        ),
        Reason.SYNTHETIC_DOWN: (f"{name} itself is down", f"`ip link set {quoted(name)} up`"),
        Reason.MTU_REFUSED: (
            f"{vf} does not take the MTU of {name}, {pair.synthetic.mtu} bytes",
            f"give {name} an MTU that {vf} can have too",
        ),
        Reason.DAMPED: (
            f"{vf} failed too often of late and is left alone for a while",
            _left_alone(pair, "once it has been quiet for long enough"),
        ),
        Reason.STALLED: (
            f"what was sent through {vf} did not leave, or its driver did not answer",
            f"{_left_alone(pair, 'after a while')}; `ip -s link` shows its counters",
        ),
        Reason.XDP_MISSING: (
            f"{vf} runs no XDP program, {name} does, and it is required there too",
            f"attach the program to {vf} as well",
        ),
        Reason.DRAINED: (f"an operator moved traffic off {vf}{_drain_words(pair)}", end_of_drain(pair)),
        Reason.NOT_PERMITTED: (
            f"nobody has permitted {vf}",
            f"`netvsc-bpf attach {as_argument(name)}`, or keep `netvsc-bpf run` alive",
        ),
    }
    return reasons.get(pair.reason, (f"{pair.reason}", None))


def passed_by(pair: PairStatus) -> str:
    """Say which programs do not see what goes to the VF."""
    programs = ", ".join(map(str, pair.passed_by))
    return f"Passed by: what goes to the VF does not meet tcx program {programs}, attached after steer"


def put_steer_last(pair: PairStatus) -> str:
    """Say what puts steer behind them."""
    name = as_argument(pair.synthetic.name)
    return f"`netvsc-bpf attach {name}` puts steer behind; `netvsc-bpf run` does so by itself, within seconds"


def _left_alone(pair: PairStatus, otherwise: str) -> str:
    """Say when the VF is used again. That is the manager's decision, by its own configuration."""
    if pair.managed is False:
        name = as_argument(pair.synthetic.name)
        return f"no manager runs, and nothing else uses it again: `netvsc-bpf run`, or `attach {name}`"
    when = otherwise if pair.until is None else f"from {pair.until:%Y-%m-%d %H:%M:%S} UTC on"
    return f"the manager uses it again {when}, unless it fails meanwhile"


def drained(pair: PairStatus) -> str:
    """Say of a drained pair that is on the synthetic path for another reason that it is drained, too."""
    return f"Drained{_drain_words(pair)}"


def end_of_drain(pair: PairStatus) -> str:
    """Say what ends the drain of a pair."""
    name, until = as_argument(pair.synthetic.name), None if pair.drained is None else pair.drained.until
    by_hand = f"`netvsc-bpf undrain {name}` ends it"
    if until is None:
        return by_hand
    when = f"{until:%Y-%m-%d %H:%M:%S} UTC"
    if pair.managed is False:
        return f"its time ends at {when}, but no manager runs to end it then: {by_hand}"
    return f"the manager ends it at {when}, {by_hand} sooner"


def _drain_words(pair: PairStatus) -> str:
    if pair.drained is None:
        return ""
    since = f" at {pair.drained.since:%Y-%m-%d %H:%M:%S} UTC"
    return f"{since}: {plain(pair.drained.why)}" if pair.drained.why else since


def _bring_up(name: str, vf: str) -> str:
    return f"`netvsc-bpf run`, or `attach {as_argument(name)}`: {vf} was taken down, and no manager runs"


def _settling(pair: PairStatus) -> str:
    if pair.liveness is Liveness.NETLINK:
        return "on this rung only a running manager (`netvsc-bpf run`) ends that"
    return "the kernel looks at it with the packets that flow; without any it waits"


def _vf(pair: PairStatus) -> str:
    return "the VF" if pair.vf is None else pair.vf.name
