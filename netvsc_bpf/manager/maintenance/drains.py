# SPDX-License-Identifier: GPL-2.0-only
"""Draining the managed pairs of one network namespace while maintenance is due, and ending that.

Level-triggered: every turn of the manager compares the drains in the kernel with the order, so pairs that
appear meanwhile are drained too, and a manager that is restarted ends what an earlier one began.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from netvsc_bpf import datapath
from netvsc_bpf.datapath.maintenance_drain import Step, StoredDrain, stored_drains, take
from netvsc_bpf.datapath.session import Scope, Session, reading, writing
from netvsc_bpf.kernel.process.clock import CLOCKS
from netvsc_bpf.manager.events.kinds import MANAGER, Event
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.maintenance.notice import Key, Order
from netvsc_bpf.manager.reconcile import unexpected_errors
from netvsc_bpf.manager.reconcile.pair_boundary import PairBoundary
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors

_WHAT = "cannot drain for maintenance"
_NO_NICS = Scope(frozenset(), 0)
"""Drains are in maps: no interface is read."""


@dataclass(slots=True)
class MaintenanceDrains:
    """A job of each turn; costs nothing without maintenance.

    `managed` returns the managed synthetic NICs (ifindexes).
    """

    order: Callable[[], Order]
    managed: Callable[[], Iterable[int]]
    reporter: Reporter
    listener: Callable[[Event], None]
    unexpected: UnexpectedErrors | None = None
    done: Order | None = None
    """The order that all pairs fulfilled when they were last compared; None if some did not."""
    _drained: dict[int, frozenset[Key]] = field(default_factory=dict)
    """For what each pair has been drained."""
    _begun: set[int] = field(default_factory=set)
    """Pairs that this manager drained."""
    _boundary: PairBoundary = field(init=False)

    def __post_init__(self) -> None:
        self._boundary = PairBoundary(_WHAT, self.listener, self.unexpected)

    def __call__(self) -> float | None:
        """Compare, and take the steps that are missing; return in how many seconds to do so again."""
        order = self.order()
        if not order.due and order == self.done:
            return None
        with self._boundary.around(MANAGER):
            taken = self._compare(order)
            if self.done == order:
                return 0.0 if taken else None
            if taken:
                return 0.0  # the turn that follows brings VFs up or down, and completes what was begun
        return unexpected_errors.TROUBLE_S

    def _compare(self, order: Order) -> int:
        """Take the steps that are missing; return how many were taken."""
        taken = 0
        with reading(_WHAT, scope=_NO_NICS) as session:
            missing, strangers = self._steps(session, order), self._unmanaged(session, order)
        if missing:
            with writing(_WHAT) as session:
                for ifindex, (stored, step) in self._steps(session, order).items():
                    with self._boundary.around(self.reporter.name(ifindex)):
                        self._take(session, ifindex, stored, step, order)
                        taken += 1
                missing = self._steps(session, order)
        for name in strangers:
            with self._boundary.around(name):
                datapath.undrain(name, by_operator=False)
        self.done = None if missing or strangers else order
        return taken

    def _steps(self, session: Session, order: Order) -> dict[int, tuple[StoredDrain, Step]]:
        """Return what is missing, by synthetic NIC; note which pairs are drained already."""
        now, attached = CLOCKS.boottime(), session.attached()
        # What is over is forgotten: a source may use the ID of an event again.
        self._drained = {one: keys & order.due for one, keys in self._drained.items() if one in attached}
        self._begun &= set(attached)
        found = {}
        for ifindex, stored in stored_drains(session, self.managed()).items():
            if order.due:
                if stored.is_ours and stored.is_in_force(now):
                    self._note_drained(ifindex, order)
                before = order.due <= self._drained.get(ifindex, frozenset())
                step = stored.towards(order.until, now, drained_before=before)
            else:
                step = stored.away() if order.certain or ifindex in self._begun else None
            if step is not None:
                found[ifindex] = stored, step
        return found

    def _unmanaged(self, session: Session, order: Order) -> list[str]:
        """Return the pairs to undrain that are not managed any more: no turn uses their VFs again."""
        if order.due or not order.certain:
            return []
        others = set(session.attached()) - set(self.managed())
        drained = {ifindex for ifindex, one in stored_drains(session, others).items() if one.is_ours}
        nics = session.everything() if drained else session
        return [nic.name for ifindex in drained if (nic := nics.nic(ifindex)) is not None]

    def _note_drained(self, ifindex: int, order: Order) -> None:
        self._drained[ifindex] = self._drained.get(ifindex, frozenset()) | order.due

    def _take(self, session: Session, ifindex: int, stored: StoredDrain, step: Step, order: Order) -> None:
        now = CLOCKS.boottime()
        take(session, ifindex, stored.slot, step, now=now, until=order.until, why=order.why)
        match step:
            case Step.BEGIN:
                self._note_drained(ifindex, order)
                self._begun.add(ifindex)
            case Step.END:
                self.reporter.maintained(ifindex)
            case Step.FORGET:
                self._drained.pop(ifindex, None)
                self._begun.discard(ifindex)
