# SPDX-License-Identifier: GPL-2.0-only
"""A file in which others announce maintenance: scripts for other clouds, hooks of a hypervisor.

docs/maintenance.md has its format. Without the file there is no maintenance. Its writer decides which path
packets take, so it must belong to root or to this user, and be writable by the owner alone.
"""

import asyncio
import os
import stat
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from netvsc_bpf.manager.maintenance.notice import Key, Notice, Source
from netvsc_bpf.manager.maintenance.text import MAX_BYTES, one_line, read_id, read_json, require_few
from netvsc_bpf.model.errors import NoticesUnavailable

_LIMIT_S = 10.0
_KEYS = {"id", "not_before", "until", "why"}


def _utc() -> datetime:
    return datetime.now(UTC)


class EventFile:
    """Reads the file, in a thread of its own: it may be on a file system that does not answer."""

    source = Source.FILE

    def __init__(self, path: Path, now: Callable[[], datetime] = _utc) -> None:
        self._path, self._now = path, now
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="maintenance")

    async def read(self) -> tuple[Notice, ...]:
        """See NoticeSource."""
        what = f"cannot use {self._path}"
        try:
            async with asyncio.timeout(_LIMIT_S):
                raw = await asyncio.get_running_loop().run_in_executor(self._thread, read_file, self._path)
        except TimeoutError:
            raise NoticesUnavailable(what, f"it could not be read within {_LIMIT_S:g} s") from None
        return () if raw is None else parse_file(raw, self._now(), what)

    def close(self) -> None:
        """End the thread, which is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def read_file(path: Path) -> bytes | None:
    """Return the content, None without a file. Raises NoticesUnavailable."""
    what = f"cannot use {path}"
    try:
        # Not to wait for the writer of a FIFO.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NoticesUnavailable(what, error.strerror or str(error)) from None
    try:
        _require_trusted(path, os.fstat(fd))
        raw = b""
        while len(raw) <= MAX_BYTES and (piece := os.read(fd, MAX_BYTES)):
            raw += piece
    except OSError as error:
        raise NoticesUnavailable(what, error.strerror or str(error)) from None
    finally:
        os.close(fd)
    if len(raw) > MAX_BYTES:
        raise NoticesUnavailable(what, f"it is larger than {MAX_BYTES >> 20} MB")
    return raw


def _require_trusted(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise NoticesUnavailable(f"cannot use {path}", "it is not a regular file")
    if found.st_uid not in (0, os.geteuid()) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        why = "others than root and the manager's user may write it"
        raise NoticesUnavailable(f"cannot use {path}", why, f"run: chown root {path}; chmod 0644 {path}")


def parse_file(raw: bytes, now: datetime, what: str = "cannot use the file of events") -> tuple[Notice, ...]:
    """Return the events that are not over at `now`. Raises NoticesUnavailable if any makes no sense. Pure."""
    events = read_json(raw, what).get("events")
    if not isinstance(events, list):
        raise NoticesUnavailable(what, 'it has no list "events"')
    require_few(events, what)
    found: dict[Key, Notice] = {}
    for event in events:
        if not isinstance(event, dict):
            raise NoticesUnavailable(what, "an event is not an object")
        if unknown := sorted(event.keys() - _KEYS):
            raise NoticesUnavailable(what, f"an event has an unknown key: {one_line(unknown[0])}")
        until, notice = _time(event, "until", what), _notice(event, now, what)
        if notice.key in found:
            raise NoticesUnavailable(what, "two events have the same id")
        if until is None or now < until:
            found[notice.key] = notice
    return tuple(found.values())


def _notice(event: Mapping[str, Any], now: datetime, what: str) -> Notice:
    key = Key(Source.FILE, read_id(event.get("id"), "id", what))
    not_before = _time(event, "not_before", what)
    started = not_before is None or not_before <= now
    text = one_line(event.get("why"))
    return Notice(key, "by file", started, None if started else not_before, text=text)


def _time(event: Mapping[str, Any], key: str, what: str) -> datetime | None:
    """Return a time of an event, None without one. Raises NoticesUnavailable."""
    value = event.get(key)
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value if isinstance(value, str) else "")
        if parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise NoticesUnavailable(
        what, f"{key} of an event is not a time with a time zone, as 2026-11-24T19:00:00Z"
    )
