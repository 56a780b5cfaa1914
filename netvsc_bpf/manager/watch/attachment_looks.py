# SPDX-License-Identifier: GPL-2.0-only
"""Looking each second at what no event of the kernel reports of our attachments.

That takes RTNL, the lock of all interfaces, which a driver may hold for long: so it is done in a thread, and
the manager's loop never waits for it.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from netvsc_bpf.manager.state.beat import EVERY_S, Beat


class Watch(Protocol):
    """Something to look at."""

    def found(self) -> Any:
        """Look; called in the thread. Raises OSError."""

    def report(self, found: Any) -> None:
        """Report what is new in what was found; called in the loop's thread."""


@dataclass(frozen=True, slots=True)
class AttachmentLooks:
    """Several such watches of one network namespace, in one thread."""

    watches: Sequence[Watch]
    beat: Beat
    every_s: float = EVERY_S

    async def run(self) -> None:
        """Look until cancelled. Raises OSError."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="looks") as thread:
            while True:
                await asyncio.sleep(self.beat.wait_s(loop.time(), self.every_s))
                found: list[tuple[Watch, Any]] = []
                try:
                    await loop.run_in_executor(thread, self._look, found)
                finally:  # what a watch has found does not depend on those after it
                    for watch, one in found:
                        watch.report(one)

    def _look(self, found: list[tuple[Watch, Any]]) -> None:
        for watch in self.watches:
            found.append((watch, watch.found()))
