# SPDX-License-Identifier: GPL-2.0-only
"""The ways in which a true VF goes and comes back."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.failover_figures import Kind
from bench.guest.twin import Twin


@dataclass(frozen=True, slots=True)
class Failure:
    """One of them: ``leave`` begins it, ``over`` says when it has happened, ``back`` gives the VF back."""

    kind: Kind
    leave: Callable[[Twin], None]
    over: Callable[[Twin], bool]
    back: Callable[[Twin], None]
    hot: bool = False
    """It takes the VF in the hot-plug slot."""
    anew: bool = False
    """The VF comes back as another network device, which somebody has to take in."""


def _give_link(twin: Twin) -> None:
    twin.link(True)
    if twin.is_up():
        # igbvf asks its PF again 10 s after its last reset at the earliest (igbvf_has_link()); this is one.
        twin.up(False)
        twin.up(True)


def _lose_link_again(twin: Twin) -> None:
    twin.earlier_link_event()
    twin.link(False)


FAILURES = (
    Failure(Kind.DOWN, lambda t: t.up(False), lambda t: not t.is_up(), lambda t: t.up(True)),
    Failure(Kind.NUMVFS, Twin.unplug, Twin.gone, Twin.plug, anew=True),
    Failure(Kind.UNBIND, lambda t: t.bound(False), Twin.gone, lambda t: t.bound(True), anew=True),
    Failure(Kind.CARRIER, lambda t: t.link(False), lambda t: not t.carrier(), _give_link),
    Failure(Kind.HOT_UNPLUG, Twin.unplug, Twin.gone, Twin.plug, hot=True, anew=True),
    Failure(Kind.WIRE, lambda t: t.link(False), lambda t: not t.carrier(), lambda t: t.link(True), hot=True),
    Failure(Kind.WIRE_AGAIN, _lose_link_again, lambda t: not t.carrier(), lambda t: t.link(True), hot=True),
)
