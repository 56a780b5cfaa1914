# SPDX-License-Identifier: GPL-2.0-only
"""Errors that nobody foresaw: told with their traceback, counted, survived."""

import asyncio
from collections.abc import Awaitable, Callable

from netvsc_bpf.manager.events.kinds import MANAGER
from netvsc_bpf.manager.events.reporter import Reporter

TROUBLE_S = 1.0
"""How soon to try again where nothing could be done at all."""


class UnexpectedErrors:
    """Counts and tells them; a manager that ended would help nobody."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._count = 0

    def report(
        self, error: BaseException | str, interface: str = MANAGER, reporter: Reporter | None = None
    ) -> None:
        """Report one; with the interface whose pair it concerns, and by another namespace's reporter."""
        self._count += 1
        (reporter or self._reporter).unexpected(error, self._count, interface)

    async def keep_running(self, work: Callable[[], Awaitable[None]]) -> None:
        """Start again what ended with an error that nobody foresaw."""
        while True:
            try:
                return await work()
            except Exception as error:
                self.report(error)
                await asyncio.sleep(TROUBLE_S)
