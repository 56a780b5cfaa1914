# SPDX-License-Identifier: GPL-2.0-only
"""Cancelling what waits for an event in the moment in which the event happens, as SIGTERM may."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


def ends(work: Callable[[], Coroutine[Any, Any, None]], wake: Callable[[], None], steps: int) -> bool:
    """Return whether `work` ends if it is woken, and cancelled so many steps of the event loop later."""

    async def cancelled() -> bool:
        task = asyncio.get_running_loop().create_task(work())
        await asyncio.sleep(0.01)
        wake()
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=1.0)
        ended = task.done()
        task.cancel()
        return ended

    return asyncio.run(cancelled())
