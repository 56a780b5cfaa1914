# SPDX-License-Identifier: GPL-2.0-only
"""When maintenance is due, until when it counts, and what clocks and silent sources change: nothing."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from netvsc_bpf.manager.maintenance.ledger import RENEW_S, SLACK_S, Ledger, Now, Stage
from netvsc_bpf.manager.maintenance.notice import Key, Notice, Order, Source
from netvsc_bpf.model.drain import MAX_FOR_S

BOTH = (Source.AZURE, Source.FILE)
LEAD_S = 60.0


@dataclass
class World:
    """A ledger, two clocks, and the order in force."""

    ledger: Ledger = field(default_factory=Ledger)
    now: Now = field(default_factory=lambda: Now(1000.0, datetime(2026, 11, 24, 19, 0, tzinfo=UTC)))
    order: Order = field(default_factory=Order)
    sources: tuple[Source, ...] = (Source.AZURE,)

    def later(self, seconds: float) -> None:
        self.now = Now(self.now.boot_s + seconds, self.now.utc + timedelta(seconds=seconds))

    def clock_is_set(self, seconds: float) -> None:
        self.now = replace(self.now, utc=self.now.utc + timedelta(seconds=seconds))

    def notice(self, event: str = "a", in_s: float | None = None, duration_s: float = 0.0) -> Notice:
        """An event that may start in so many seconds, None: that has started."""
        not_before = None if in_s is None else self.now.utc + timedelta(seconds=in_s)
        return Notice(Key(Source.AZURE, event), "Freeze", in_s is None, not_before, duration_s)

    def answer(self, *notices: Notice, source: Source = Source.AZURE) -> list[Stage]:
        news = self.ledger.answered(source, notices, self.now)
        self.decide()
        return [stage for stage, _ in news]

    def decide(self) -> Order:
        self.order = self.ledger.order(self.sources, self.now, LEAD_S, self.order)
        return self.order

    @property
    def due(self) -> set[str]:
        return {key.id for key in self.decide().due}

    def until_s(self) -> float:
        """In how many seconds the drain ends by itself."""
        return self.decide().until / 1e9 - self.now.boot_s


def test_s99_event_is_due_its_lead_before_it_starts() -> None:
    world = World()
    notice = world.notice(in_s=900)
    assert world.answer(notice) == [Stage.SCHEDULED] and world.due == set()
    world.later(839)
    assert world.answer(notice) == [] and world.due == set()
    world.later(1)
    assert world.due == {"a"}, "time passes between two answers too"


def test_s99_event_that_starts_early_or_unannounced_is_due_at_once() -> None:
    world = World()
    world.answer(world.notice(in_s=900))
    assert world.answer(world.notice()) == [Stage.STARTED] and world.due == {"a"}
    world = World()
    assert world.answer(world.notice()) == [Stage.STARTED] and world.due == {"a"}


def test_s99_event_that_is_gone_is_over_whether_it_had_started_or_not() -> None:
    for in_s in (None, 900.0):
        world = World()
        world.answer(world.notice(in_s=in_s))
        assert world.answer() == [Stage.ENDED]
        assert world.decide() == Order(certain=True)


def test_s99_two_events_are_due_until_both_are_over() -> None:
    world = World()
    first, second = world.notice("a"), world.notice("b")
    world.answer(first, second)
    assert world.due == {"a", "b"}
    world.answer(second)
    assert world.due == {"b"}


def test_s99_silent_source_changes_nothing_until_the_event_should_be_over() -> None:
    world = World()
    world.answer(world.notice(in_s=900, duration_s=10))
    world.later(900 - LEAD_S)
    assert world.due == {"a"}, "it is known, though its source is silent"
    assert round(world.until_s()) == LEAD_S + 10 + SLACK_S + RENEW_S
    world.later(LEAD_S + 10 + SLACK_S - 1)
    assert world.ledger.drop_lost(world.now) == [] and world.due == {"a"}
    world.later(2)
    ((stage, notice),) = world.ledger.drop_lost(world.now)
    assert (stage, notice.key.id) == (Stage.LOST, "a") and world.due == set()


def test_s99_event_that_lasts_is_renewed_by_every_answer_and_the_drain_now_and_then() -> None:
    world = World()
    notice, orders = world.notice(), set()
    for _ in range(7200):
        world.answer(notice)
        assert world.ledger.drop_lost(world.now) == [] and world.due == {"a"}
        assert SLACK_S < world.until_s() <= SLACK_S + RENEW_S
        orders.add(world.order)
        world.later(1)
    assert len(orders) == 120, "each takes the writer lock"


def test_s99_event_that_is_put_off_to_the_last_day_leaves_a_drain_that_the_kernel_can_store() -> None:
    world = World()
    world.answer(world.notice())
    last_day = datetime(9999, 12, 31, tzinfo=UTC)
    world.answer(Notice(Key(Source.AZURE, "a"), "Freeze", False, last_day))
    assert world.due == {"a"}, "what is due stays due"
    assert world.until_s() < 2 * MAX_FOR_S
    world = World()
    world.answer(Notice(Key(Source.AZURE, "a"), "Freeze", False, last_day))
    assert world.due == set()


def test_s99_clock_that_is_set_after_the_last_answer_changes_nothing() -> None:
    for step in (-86_400.0, 86_400.0):
        world = World()
        world.answer(world.notice(in_s=900))
        world.clock_is_set(step)
        assert world.due == set()
        world.later(900 - LEAD_S)
        assert world.due == {"a"}


def test_s99_clock_that_is_set_counts_with_the_next_answer_but_what_is_due_stays_due() -> None:
    world = World()
    notice = world.notice(in_s=900)
    world.answer(notice)
    world.clock_is_set(870)
    world.answer(notice)
    assert world.due == {"a"}
    world.clock_is_set(-870)
    world.answer(notice)
    assert world.due == {"a"}


def test_s99_nothing_is_certain_before_every_source_has_answered() -> None:
    world = World(sources=BOTH)
    assert not world.decide().certain
    world.answer()
    assert not world.decide().certain
    world.answer(source=Source.FILE)
    assert world.decide().certain
    world.ledger.forget(Source.FILE)
    assert not world.decide().certain


def test_s99_without_sources_it_is_certain_that_there_is_no_maintenance() -> None:
    assert World(sources=()).decide() == Order(certain=True)


def test_s99_answer_of_one_source_says_nothing_about_events_of_another() -> None:
    world = World(sources=BOTH)
    world.answer(world.notice("a"))
    assert world.answer(source=Source.FILE) == [] and world.due == {"a"}


def test_s99_source_that_is_not_read_any_more_is_forgotten() -> None:
    world = World()
    world.answer(world.notice())
    world.ledger.forget(Source.AZURE)
    assert world.ledger.notices == () and world.due == set()
