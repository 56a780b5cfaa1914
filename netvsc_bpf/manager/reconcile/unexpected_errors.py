# SPDX-License-Identifier: GPL-2.0-only
"""Errors that nobody foresaw: told with their traceback, counted, survived."""

import asyncio
from collections.abc import Awaitable, Callable

from netvsc_bpf.manager.events.kinds import MANAGER
from netvsc_bpf.manager.events.reporter import Teller

TROUBLE_S = 1.0
"""How soon to try again where nothing could be done at all."""


class Bugs:
    """Counts and tells them; a manager that ended would help nobody."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._count = 0

    def tell(
        self, error: BaseException | str, interface: str = MANAGER, teller: Teller | None = None
    ) -> None:
        """Report one; with the interface whose pair it concerns, and by another namespace's teller."""
        self._count += 1
        (teller or self._teller).bug(error, self._count, interface)

    async def kept_going(self, work: Callable[[], Awaitable[None]]) -> None:
        """Start again what ended with an error that nobody foresaw."""
        while True:
            try:
                return await work()
            except Exception as error:
                self.tell(error)
                await asyncio.sleep(TROUBLE_S)
