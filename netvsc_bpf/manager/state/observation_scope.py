# SPDX-License-Identifier: GPL-2.0-only
"""Which interfaces the manager observes: all of them once per interval, otherwise those of the pairs.

Reading a thousand interfaces takes as long as everything else that a VF waits for when it joins. So between
two full observations, only the members of pairs are read, and interfaces that netlink messages reported as
new. If the messages were incomplete, all interfaces are read.
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
    """Return None: everything has to be observed."""


@dataclass(slots=True)
class ObservationScope:
    """Used by one thread, except for `members`. Times are seconds of one monotonic clock."""

    news: News = nobody_knows
    interested: Callable[[Interest], None] = lambda _: None
    """Called after each observation with the relevant interfaces."""
    members: frozenset[int] | None = None
    """The relevant interfaces (ifindexes) when last observed; None before. Any thread may read it."""
    was_at_everything: bool = False
    """Whether the last observation was a full one."""
    _among: int = 0
    _everything: bool = True
    """The next observation has to be full: a partial one was not completed, or is not enough."""
    _last: float = field(default=float("-inf"))
    """Time of the last full observation."""

    def at_everything(self) -> None:
        """Make the next observation a full one."""
        self._everything = True

    def begin(self, now: float, interval_s: float) -> Scope | None:
        """Return what the observation that begins has to cover; None: everything."""
        news, everything = self.news(), self._everything
        self._everything = True  # until the end: what was new would be forgotten otherwise
        if news is None or everything or self.members is None or now - self._last >= interval_s:
            self._last = now
            return None
        return Scope(self.members | news, self._among)

    def end(self) -> None:
        """Note that the observation was completed."""
        self._everything = False

    def confine(
        self,
        session: Session,
        synthetics: Callable[[Session], list[Nic]],
        wanted: Callable[[list[Nic]], Iterable[str]],
    ) -> Session:
        """Confine an observation to the interfaces of the pairs, so that others cost nothing.

        `synthetics` chooses the managed NICs; `wanted` returns the names that matter for them. Raises
        KernelError.
        """
        if session.scope is not None and not session.scope.members.issuperset(session.attached()):
            session = session.everything()  # attached by another process: its upper devices are not known
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
