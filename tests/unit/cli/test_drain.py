# SPDX-License-Identifier: GPL-2.0-only
"""What `drain` and `undrain` take on their command lines, and what they say of anything else."""

import click
import pytest
from click.testing import CliRunner
from netvsc_bpf.cli.commands import command_line
from netvsc_bpf.cli.duration import Duration

YEAR = Duration(1.0, 366 * 86_400.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1", 1), ("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86_400), ("1.5h", 5400)],
)
def test_s98_duration_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert YEAR.convert(text, None, None) == seconds


@pytest.mark.parametrize(
    "text", ["", "m", "-5", "nan", "inf", "1e3", "10y", "1 h", "1h30m", "\u0661\u0665m", "0x10"]
)
def test_s98_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a duration"):
        YEAR.convert(text, None, None)


@pytest.mark.parametrize("text", ["0", "0.5", "367d", "9" * 400])
def test_s98_duration_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not between 1 s and 366 d"):
        YEAR.convert(text, None, None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["undrain"], "name one interface, or --all"),
        (["undrain", "eth0", "--all"], "name one interface, or --all"),
        (["drain"], "Missing argument 'IFACE'"),
        (["drain", "eth0", "--for", "-5"], "Invalid value for '--for': '-5' is not a duration"),
        (["drain", "eth0", "--for", "nan"], "Invalid value for '--for': 'nan' is not a duration"),
        (["drain", "eth0", "--why", "x" * 201], "the text has 201 bytes; at most 200 are allowed"),
        (["drain", "eth0", "--why", "\u00fc" * 101], "the text has 202 bytes; at most 200 are allowed"),
        (["drain", "eth0", "--why", " "], "the text is empty"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_s98_usage_error_is_one_clear_line(arguments: list[str], said: str) -> None:
    ended = CliRunner().invoke(command_line, arguments)
    assert ended.exit_code == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"netvsc-bpf: {arguments[0]}: ") and said in line
    assert line.endswith(f"; see `netvsc-bpf {arguments[0]} -h`")
