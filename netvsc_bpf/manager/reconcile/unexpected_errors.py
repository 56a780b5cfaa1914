# SPDX-License-Identifier: GPL-2.0-only
"""Unexpected errors: reported with their traceback and counted; the manager goes on."""

import asyncio
from collections.abc import Awaitable, Callable

from netvsc_bpf.manager.events.kinds import MANAGER
from netvsc_bpf.manager.events.reporter import Reporter

TROUBLE_S = 1.0
"""How soon to try again if nothing could be done at all."""


class UnexpectedErrors:
    """Counts and reports unexpected errors, so that the manager never ends because of one."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._count = 0

    def report(
        self, error: BaseException | str, interface: str = MANAGER, reporter: Reporter | None = None
    ) -> None:
        """Report an error, with the interface of its pair, and by the reporter of another namespace."""
        self._count += 1
        (reporter or self._reporter).unexpected(error, self._count, interface)

    async def keep_running(self, work: Callable[[], Awaitable[None]]) -> None:
        """Start the work again whenever it ends with an unexpected error."""
        while True:
            try:
                return await work()
            except Exception as error:
                self.report(error)
                await asyncio.sleep(TROUBLE_S)
