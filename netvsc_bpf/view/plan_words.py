# SPDX-License-Identifier: GPL-2.0-only
"""What `plan` and `attach --dry-run` print: the steps in words, and as JSON. Pure."""

from collections.abc import Iterator
from typing import Any

from netvsc_bpf.model.names import shown
from netvsc_bpf.model.path import GuardMode, Path, ReturnPolicy
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.observation import PairObservation
from netvsc_bpf.planner.preview import PairPreview, Preview, Programs

_PROGRAMS = {
    Programs.LOAD: "compile and load the programs",
    Programs.REPLACE: "compile the programs and replace those that are loaded, under traffic",
}


def plan_lines(preview: Preview) -> Iterator[str]:
    """Yield the lines for people."""
    if preview.programs in _PROGRAMS:
        yield _PROGRAMS[preview.programs]
    for ifindex in preview.released:
        yield f"interface {ifindex} is gone: restore its VF, remove its programs"
    for name in preview.missing:
        yield shown(f"{name}: wait for it; there is no such interface yet")
    for pair in preview.pairs:
        yield from map(shown, _pair_lines(pair))
    if not preview.pairs and not preview.missing:
        yield "no synthetic NIC is here: wait for one to appear"


def _pair_lines(pair: PairPreview) -> Iterator[str]:
    steps = [step_text(pair, seen, step) for seen, step in pair.forecast.steps]
    yield f"{pair.synthetic.name}: {'' if steps else 'nothing to do, '}{_outcome(pair)}"
    for number, text in enumerate(steps, 1):
        yield f"  {number}. {text}"
    for problem in pair.problems:
        yield f"  ! {problem}"


def _outcome(pair: PairPreview) -> str:
    found = f"path {pair.forecast.path} ({pair.forecast.reason})"
    waits = any(isinstance(step, act.Permit) for _, step in pair.forecast.steps)
    if waits and pair.forecast.path is Path.VF:
        return f"{found} after {pair.settle_ms} ms with carrier"
    return found


def step_text(pair: PairPreview, seen: PairObservation, step: act.Action) -> str:
    """Return what a step will do; `seen` is the state before it."""
    vf = "the VF" if seen.joined is None else seen.joined.vf.name
    name = pair.synthetic.name
    match step:
        case act.Attach():
            parts = [] if seen.steer else ["attach steer"]
            if not seen.guard:
                parts.append("detach guard" if pair.guard is GuardMode.OFF else f"attach guard {pair.guard}")
            return " and ".join(parts)
        case act.Describe():
            return f"give the programs the MAC of {name}, and whether there are devices above it"
        case act.SetReturn(policy=ReturnPolicy.AUTO):
            return f"have {vf} return by itself after a failure"
        case act.SetReturn():
            return f"after a failure of {vf}, wait for an operator before it is used again"
        case act.PutLast():
            return "move steer behind the tcx programs that were attached after it"
        case act.Join(vf=joined, down=down):
            state = f"leave it down ({down})" if down is not None else "bring it up"
            if not seen.synthetic.up:
                state = f"leave it down, as {name} is"
            return (
                f"add {joined.name} as VF: MTU {seen.synthetic.mtu}, MAC {seen.synthetic.mac}, home; {state}"
            )
        case act.ReplaceInterim():
            return f"replace the interim filter on {vf} by a link"
        case act.Leave(reason=reason):
            return f"release {vf} ({reason}) and restore its settings"
        case act.Permit(settle_ms=settle_ms):
            return f"permit {vf}, settle time {settle_ms} ms"
        case act.Withdraw(reason=reason):
            return f"do not use {vf} ({reason})"
        case act.FollowUp(up=up, because=because):
            why = "" if because is None else f" ({because})"
            return f"{'bring' if up else 'take'} {vf} {'up' if up else 'down'}{why}"
        case act.FollowMtu(mtu=mtu) | act.RepairMtu(mtu=mtu):
            return f"set the MTU of {vf} to {mtu}"
        case act.FollowMac(mac=mac):
            return f"set the MAC of {vf} to {mac}"
        case act.FollowFlags(promisc=promisc, allmulti=allmulti):
            return f"set promisc {_switch(promisc)} and allmulti {_switch(allmulti)} on {vf}"
        case _:
            raise NotImplementedError(step)


def _switch(on: bool) -> str:
    return "on" if on else "off"


def plan_json(preview: Preview) -> dict[str, Any]:
    """Return the object that `--json` prints."""
    return {
        "manager": preview.manager,
        "programs": preview.programs.value,
        "released": list(preview.released),
        "missing": list(preview.missing),
        "pairs": [_pair_json(pair) for pair in preview.pairs],
    }


def _pair_json(pair: PairPreview) -> dict[str, Any]:
    return {
        "interface": pair.synthetic.name,
        "ifindex": pair.synthetic.ifindex,
        "path": pair.forecast.path.value,
        "reason": pair.forecast.reason.value,
        "settle_ms": pair.settle_ms,
        "steps": [
            {"step": type(step).__name__, "text": step_text(pair, seen, step)}
            for seen, step in pair.forecast.steps
        ],
        "problems": list(pair.problems),
    }
