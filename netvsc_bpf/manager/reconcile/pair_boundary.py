# SPDX-License-Identifier: GPL-2.0-only
"""An error boundary around each pair: an error in handling one is reported, and the others are handled."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.manager.events.kinds import Event, Kind
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.reconcile.unexpected_errors import UnexpectedErrors
from netvsc_bpf.model.errors import NamespaceGone, NetvscBpfError


def _no_exception(_: NetvscBpfError) -> bool:
    return False


@dataclass(slots=True)
class PairBoundary:
    """For work that is done for each pair in every turn, and so is retried in the next one.

    An error is reported when it first occurs, and again only after the work has succeeded in between or
    failed differently.
    """

    what: str
    """What cannot be done, for the message."""
    listener: Callable[[Event], None]
    unexpected: UnexpectedErrors | None = None
    """Counts unexpected errors; without it they are counted separately here."""
    harmless: Callable[[NetvscBpfError], bool] = _no_exception
    """Returns which errors are not reported."""
    _reported: dict[tuple[str, str], str] = field(default_factory=dict)
    """By interface and stage of the work."""

    @contextmanager
    def around(self, interface: str, stage: str = "") -> Iterator[None]:
        """Report errors of the block instead of raising them; only NamespaceGone, which concerns all, passes.

        `stage` distinguishes blocks for the same pair: success of one says nothing about the other.
        """
        key = interface, stage
        try:
            with changing(self.what):
                yield
        except NamespaceGone:
            raise
        except NetvscBpfError as error:
            if not self.harmless(error) and self._is_new(key, error):
                self.listener(Event(Kind.FAILED, interface, str(error)))
        except Exception as error:
            if self._is_new(key, error):
                self._report(error, interface)
        else:
            self._reported.pop(key, None)

    def _is_new(self, key: tuple[str, str], error: Exception) -> bool:
        text = f"{type(error).__name__}: {error}"
        if self._reported.get(key) == text:
            return False
        self._reported[key] = text
        return True

    def _report(self, error: Exception, interface: str) -> None:
        reporter = Reporter(self.listener)
        if self.unexpected is None:
            self.unexpected = UnexpectedErrors(reporter)
        self.unexpected.report(error, interface, reporter)
