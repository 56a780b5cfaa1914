# SPDX-License-Identifier: GPL-2.0-only
"""SIGHUP: the configuration is read again and takes effect, or is refused and what was in force stays.

systemd is told when that begins and ends, as Type=notify-reload wants it (sd_notify(3)): RELOADING=1 with the
time, then READY=1. It means nothing bad to Type=notify.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from netvsc_bpf.manager.events.kinds import MANAGER, Detail, Event, Kind
from netvsc_bpf.manager.sd_notify import notify
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.model.errors import NetvscBpfError


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a file that was read again comes to: `config` is what may hold from now on."""

    config: ManagerConfig
    changed: tuple[str, ...] = ()
    """What takes effect, in words: "damping.reuse 2000 instead of 2750"."""
    kept: tuple[str, ...] = ()
    """Keys that cannot change while the manager runs: `config` has their old values."""


Reload = Callable[[ManagerConfig], Reloaded]
"""Given what is in force. Raises ConfigError where the file cannot be used. May block."""


def nothing_to_read(config: ManagerConfig) -> Reloaded:
    """Reload where there is no file."""
    return Reloaded(config)


class Reloader:
    """Reads again when asked to, and hands on what changed."""

    def __init__(
        self,
        config: ManagerConfig,
        reload: Reload,
        apply: Callable[[ManagerConfig], None],
        listener: Callable[[Event], None],
    ) -> None:
        self._config, self._reload, self._apply, self._listener = config, reload, apply, listener
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Read again soon; several requests at once are one."""
        self._asked.set()

    async def run(self) -> None:
        """Reload whenever asked to, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
            try:
                await self._once()
            finally:
                # After a refusal too: it goes on with what it had.
                notify("READY=1")

    async def _once(self) -> None:
        try:
            done = await asyncio.to_thread(self._reload, self._config)
        except NetvscBpfError as error:
            details = {Detail.ERROR: type(error).__name__}
            text = f"{error}; what was in force stays"
            self._listener(Event(Kind.REFUSED, MANAGER, text, details=dict(details)))
            return
        self._config = done.config
        self._apply(done.config)
        told = [", ".join(done.changed) or "nothing changed"]
        if done.kept:
            told.append(f"after a restart only: {', '.join(done.kept)}")
        self._listener(Event(Kind.RELOADED, MANAGER, "; ".join(told)))
