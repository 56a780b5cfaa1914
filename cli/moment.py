# SPDX-License-Identifier: GPL-2.0-only
"""The type of command-line options that take a moment in the past."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import click
from netvsc_bpf.cli.duration import Duration

_AGO = Duration(0.0, 36_600 * 86_400.0)


class Moment(click.types.StringParamType):
    """A moment as `10m` (so long ago), `08:30`, `2026-11-24` or `2026-11-24 08:30:00+01:00`.

    Without an offset it is local. The value is a datetime with a time zone.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click.ParamType."""
        if isinstance(value, datetime):
            return value
        now = datetime.now(UTC)
        try:
            moment = self._moment(value, now)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time: use 10m, 08:30, or 2026-11-24 08:30.", param, ctx)
        if moment > now:
            self.fail(f"{value!r} is in the future.", param, ctx)
        return moment

    def _moment(self, text: str, now: datetime) -> datetime:
        """Return the moment. Raises ValueError, OverflowError."""
        try:
            return now - timedelta(seconds=_AGO.convert(text, None, None))
        except click.BadParameter:
            pass  # no duration
        try:
            return datetime.combine(now.astimezone().date(), time.fromisoformat(text)).astimezone()
        except ValueError:
            return datetime.fromisoformat(text).astimezone()
