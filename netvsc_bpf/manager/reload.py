# SPDX-License-Identifier: GPL-2.0-only
"""SIGHUP: the configuration is read again and applied, or refused, and the previous one stays in force.

systemd is notified when this begins and ends, as Type=notify-reload requires (sd_notify(3)): RELOADING=1 with
the time, then READY=1. That does no harm with Type=notify.
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
    """The result of reading a file again: `config` is in force from now on."""

    config: ManagerConfig
    changed: tuple[str, ...] = ()
    """The changes that take effect, in words: "damping.reuse 2000 instead of 2750"."""
    kept: tuple[str, ...] = ()
    """Changed keys that need a restart: `config` has their old values."""


Reload = Callable[[ManagerConfig], Reloaded]
"""Takes the current configuration. Raises ConfigError if the file cannot be used. May block."""


def nothing_to_read(config: ManagerConfig) -> Reloaded:
    """Reload where there is no file."""
    return Reloaded(config)


class Reloader:
    """Reads the configuration again on request, and applies it."""

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
        """Reload soon; several requests at once are one."""
        self._asked.set()

    async def run(self) -> None:
        """Reload on request, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
            try:
                await self._once()
            finally:
                # After a refusal too: it continues with the previous configuration.
                notify("READY=1")

    async def _once(self) -> None:
        try:
            done = await asyncio.to_thread(self._reload, self._config)
        except NetvscBpfError as error:
            details = {Detail.ERROR: type(error).__name__}
            text = f"{error}; the previous configuration stays in force"
            self._listener(Event(Kind.REFUSED, MANAGER, text, details=dict(details)))
            return
        self._config = done.config
        self._apply(done.config)
        texts = [", ".join(done.changed) or "nothing changed"]
        if done.kept:
            texts.append(f"needs a restart: {', '.join(done.kept)}")
        self._listener(Event(Kind.RELOADED, MANAGER, "; ".join(texts)))
