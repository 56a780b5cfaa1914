# SPDX-License-Identifier: GPL-2.0-only
"""What `events --since` takes, and what it says of anything else."""

import time
from datetime import UTC, datetime, timedelta

import click
import pytest
from click.testing import CliRunner
from netvsc_bpf.cli.commands import command_line
from netvsc_bpf.cli.moment import Moment


def of(text: str) -> datetime:
    found = Moment().convert(text, None, None)
    assert isinstance(found, datetime) and found.tzinfo is not None
    return found


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-24T08:30:00Z", datetime(2026, 1, 24, 8, 30, tzinfo=UTC)),
        ("2026-01-24 08:30:00.000123+01:00", datetime(2026, 1, 24, 7, 30, 0, 123, tzinfo=UTC)),
        ("2026-01-24 08:30", datetime(2026, 1, 24, 6, 30, tzinfo=UTC)),
        ("2026-01-24", datetime(2026, 1, 23, 22, 0, tzinfo=UTC)),
    ],
)
def test_date_is_local_unless_it_has_an_offset(
    text: str, moment: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "EET-2")
    time.tzset()
    assert of(text) == moment


@pytest.mark.parametrize(
    ("text", "ago_s"), [("90", 90), ("10m", 600), ("2h", 7200), ("1d", 86_400), ("0", 0)]
)
def test_duration_is_so_long_ago(text: str, ago_s: int) -> None:
    assert abs((datetime.now(UTC) - timedelta(seconds=ago_s) - of(text)).total_seconds()) < 60


def test_time_of_day_is_today() -> None:
    now = datetime.now(UTC)
    assert of("00:00") == now.replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.mark.parametrize(
    "text", ["", "x", "10y", "-5", "nan", "25:00", "2026-13-01", "2026-02-30", "yesterday", "9999999d", "1e3"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no time: use"):
        of(text)


@pytest.mark.parametrize("text", ["9999-01-01", "2200-01-01T00:00:00Z"])
def test_future_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is in the future"):
        of(text)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("events --since x", "Invalid value for '--since': 'x' is no time"),
        ("events -n 0", "0 is not in the range"),
        ("events -n x", "'x' is not a valid integer"),
        ("events eth0 eth1", "unexpected extra argument"),
    ],
)
def test_usage_error_is_one_clear_line(line: str, said: str) -> None:
    ended = CliRunner().invoke(command_line, line.split())
    assert ended.exit_code == 2
    assert said in ended.output.splitlines()[-1]
