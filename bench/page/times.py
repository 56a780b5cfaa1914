# SPDX-License-Identifier: GPL-2.0-only
"""Benchmarks that time one thing again and again: which share was done within which time."""

from bench.page.result import Result
from bench.page.svg import Axis, lines, shares

_SHARE = Axis("% of the times")
_LEAST_MS = 0.01
"""Where a logarithmic axis of gaps begins: half of what lies between two packets."""


def joins(result: Result) -> dict[str, str]:
    """Draw how soon a VF that is plugged in is used."""
    curves = {
        "from its registration": shares(result.raw["registered_ms"]),
        "from the host's call": shares(result.raw["called_ms"]),
    }
    return {"times": lines("From a hot-plug to the first packet steered", Axis("ms"), _SHARE, curves)}


def repairs(result: Result) -> dict[str, str]:
    """Draw how soon a lost hook is noticed."""
    curves = {name: shares(times) for name, times in result.raw["noticed_ms"].items()}
    return {"times": lines("From the loss of a hook until it is noticed", Axis("ms"), _SHARE, curves)}


def gaps(result: Result) -> dict[str, str]:
    """Draw how long the stream stood still when the VF left, less what its sender paused."""
    curves = {
        name: shares(max(_LEAST_MS, 1e3 * one["longest_outage_s"]) for one in parts["leavings"])
        for name, parts in result.raw.items()
    }
    title = "The longest gap between two packets that arrived, less the sender's own, when the VF left"
    return {"gaps": lines(title, Axis("ms", log=True), _SHARE, curves)}


def kills(result: Result) -> dict[str, str]:
    """Draw how soon the VF is back after a flap, with the manager killed and with it left alone."""
    curves = {name: shares(one["back_s"]) for name, one in result.raw.items()}
    return {"times": lines("From the begin of a flap until the VF is used again", Axis("s"), _SHARE, curves)}
