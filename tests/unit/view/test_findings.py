# SPDX-License-Identifier: GPL-2.0-only
"""The doctor's table ends with what matters."""

import io

import pytest
from rich.console import Console

from netvsc_bpf.doctor.finding import Finding, ok, problem, warning
from netvsc_bpf.view.findings import findings_table


def drawn(*findings: Finding) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=80).print(findings_table(findings))
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("findings", "last"),
    [
        ([ok("a", "well")], "This machine is ready for netvsc-bpf"),
        ([ok("a", "well"), warning("b", "so")], "This machine is ready for netvsc-bpf (1 warning)"),
        (
            [problem("a", "bad"), warning("b", "so"), warning("c", "so")],
            "This machine is not ready: attach cannot work (1 problem, 2 warnings)",
        ),
    ],
)
def test_last_line_sums_up(findings: list[Finding], last: str) -> None:
    assert drawn(*findings)[-1] == last


def test_remedy_stands_below_what_it_is_for() -> None:
    lines = drawn(warning("vf-mtu", "it is [small]", "`make it larger`"))
    assert lines[:2] == ["warning  vf-mtu  it is [small]", "                 -> `make it larger`"]
