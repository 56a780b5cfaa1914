# SPDX-License-Identifier: GPL-2.0-only
"""Turns of a manager's loop, one after the other, without what it waits for."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from netvsc_bpf.manager.namespaces.namespace_manager import NamespaceManager


class Pins:
    """Notes how often they were followed."""

    followed = 0

    def follow(self, folders: object = None) -> bool:
        self.followed += 1
        return False


def turn(manager: NamespaceManager, times: int = 1, pins: Pins | None = None) -> float | None:
    """Take so many turns; return when the last one wants the next."""

    async def turns() -> float | None:
        loop, at = asyncio.get_running_loop(), None
        with ThreadPoolExecutor(max_workers=1) as thread:
            for _ in range(times):
                manager._woken.clear()
                at = await manager._turn(loop, thread, cast(Any, pins or Pins()))
        return at

    return asyncio.run(turns())
