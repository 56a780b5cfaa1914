# SPDX-License-Identifier: GPL-2.0-only
"""The ways through a pair that this machine's kernel offers, each in a lab of its own, measured in turns."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

from bench.command import netvsc_bpf
from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.wiring import with_rtnl

T = TypeVar("T")
OURS, MIRRED, BARE, AGAIN = "netvsc-bpf", "mirred", "bare VF", "bare VF again"


def attached_pair(undo: ExitStack) -> Lab:
    """Build a lab whose pair is attached, with the VF as its path."""
    lab = undo.enter_context(Lab())
    netvsc_bpf(lab, "attach", "eth0", "--vf", "vf0")
    undo.callback(netvsc_bpf, lab, "detach", "eth0")
    return lab


def bare_vf(undo: ExitStack) -> Lab:
    """Build a lab without us: the VF has the addresses, the synthetic NIC is down."""
    lab = undo.enter_context(Lab())

    def move(rtnl: Any) -> None:
        eth0, vf0 = wiring.index_of(rtnl, "eth0"), wiring.index_of(rtnl, "vf0")
        rtnl.flush_addr(index=eth0)
        wiring.set_up(rtnl, eth0, False)
        wiring.add_address(rtnl, vf0, lab.plan.pair(0).address, 24)

    with_rtnl(lab.guest, move)
    return lab


def mirred(undo: ExitStack) -> Lab:
    """Build a lab in which tc rules do it, both ways, as tc-mirred(8) says.

    The match is u32's, which every kernel has; matchall would take a little less.
    """
    lab = undo.enter_context(Lab())
    for device, hook, target in (
        ("eth0", "egress", "egress redirect dev vf0"),
        ("vf0", "ingress", "ingress redirect dev eth0"),
    ):
        lab.run(lab.guest, f"tc qdisc add dev {device} clsact".split())
        everything = f"tc filter add dev {device} {hook} protocol all u32 match u32 0 0"
        lab.run(lab.guest, f"{everything} action mirred {target}".split())
    return lab


WAYS: Mapping[str, Callable[[ExitStack], Lab]] = {
    OURS: attached_pair,
    MIRRED: mirred,
    BARE: bare_vf,
    AGAIN: bare_vf,
}
"""The last one is the control: what it differs from the other bare VF is the machine's own doing."""


def in_turns(rounds: int, measures: Mapping[str, Callable[[Lab], T]]) -> dict[str, dict[str, list[T]]]:
    """Take each measure of each way in each round; return what was found by measure and way.

    Needs the sandbox. Raises NetvscBpfError where a way cannot be built.
    """
    found: dict[str, dict[str, list[T]]] = {name: {way: [] for way in WAYS} for name in measures}
    with ExitStack() as undo:
        labs = {way: build(undo) for way, build in WAYS.items()}
        for number in range(rounds):
            # Each goes first equally often.
            turn = number % len(labs)
            order = [*labs][turn:] + [*labs][:turn]
            for name, measure in measures.items():
                for way in order:
                    found[name][way].append(measure(labs[way]))
    return found


def ratios(rates: Mapping[str, Sequence[float]], way: str, over: str = BARE) -> list[float]:
    """Return the ratio of two ways in each round."""
    return [one / other for one, other in zip(rates[way], rates[over], strict=True)]
