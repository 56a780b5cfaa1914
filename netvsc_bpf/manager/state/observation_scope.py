# SPDX-License-Identifier: GPL-2.0-only
"""What the manager looks at: at every interface now and then, in between at what concerns the pairs.

A look at a thousand interfaces takes as long as everything else that a VF waits for when it joins. So between
two looks at all of them, one for each interval, only the members of pairs are looked at, and what messages
have said to be new among them. Where the messages do not say, everything is.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from netvsc_bpf.datapath.known_pairs import known_pairs
from netvsc_bpf.datapath.session import Scope, Session
from netvsc_bpf.kernel.net.link_event_filter import Interest
from netvsc_bpf.manager.state.attached_pairs import opened
from netvsc_bpf.manager.state.relevant_interfaces import interest
from netvsc_bpf.model.nic import Nic

News = Callable[[], frozenset[int] | None]
"""Returns the interfaces that are new since the last call; None: unknown (EventFilter.take_newcomers())."""


def nobody_knows() -> None:
    """Say that everything has to be looked at."""


@dataclass(slots=True)
class ObservationScope:
    """Used by one thread, but for `members`. Times are seconds of one monotonic clock."""

    news: News = nobody_knows
    interested: Callable[[Interest], None] = lambda _: None
    """Called after each look with what concerns the pairs."""
    members: frozenset[int] | None = None
    """What concerned the pairs (ifindexes) at the last look; None before. Any thread may read it."""
    was_at_everything: bool = False
    """The last look was."""
    _among: int = 0
    _everything: bool = True
    """The next look has to be at everything: a look at less was not brought to its end, or is not enough."""
    _last: float = field(default=float("-inf"))
    """When everything was looked at last."""

    def at_everything(self) -> None:
        """Have the next look be at everything."""
        self._everything = True

    def begin(self, now: float, interval_s: float) -> Scope | None:
        """Return what the look that begins has to be at; None: everything."""
        news, everything = self.news(), self._everything
        self._everything = True  # until the end: what was new would be forgotten otherwise
        if news is None or everything or self.members is None or now - self._last >= interval_s:
            self._last = now
            return None
        return Scope(self.members | news, self._among)

    def end(self) -> None:
        """Take note that nothing was left out of the look."""
        self._everything = False

    def confine(
        self,
        session: Session,
        synthetics: Callable[[Session], list[Nic]],
        wanted: Callable[[list[Nic]], Iterable[str]],
    ) -> Session:
        """Confine a look to what concerns the pairs: whatever is planned costs the others nothing.

        `synthetics` chooses the managed NICs; `wanted` returns the names that matter for them. Raises
        KernelError.
        """
        if session.scope is not None and not session.scope.members.issuperset(session.attached()):
            session = session.everything()  # somebody attached it, and what stands on it is not known
        while True:
            ours = synthetics(session)
            with opened(session.pins) as loaded:
                known = known_pairs(session, loaded)
            found = interest(session.nics, ours, known, wanted(ours), whole=session.scope is None)
            if session.scope is None or found.members <= session.scope.members:
                break
            session = session.with_more(found.members)
        self.interested(found)
        self.was_at_everything = found.whole
        self.members = found.members
        near = session.only(found.members)
        self._among = near.scope.total if near.scope is not None else 0
        return near
