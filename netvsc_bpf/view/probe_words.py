# SPDX-License-Identifier: GPL-2.0-only
"""What the probe of a pair found, in words: also that nothing is watched. Pure."""

from datetime import datetime

from netvsc_bpf.model.probe import Probe, ProbeState
from netvsc_bpf.view.amounts import ago

_WORDS = {
    ProbeState.REACHABLE: "reachable",
    ProbeState.SILENT: "no answer by the VF yet",
    ProbeState.CHECKING: "asked by the synthetic path, whether the VF was at fault",
    ProbeState.UNPROVEN: "no answer by either path: nothing is watched",
    ProbeState.NO_TARGETS: "no targets: nothing is watched",
    ProbeState.IDLE: "not asked: the VF is not in use",
}

_NEVER = "no answer yet: nothing is watched"
"""Unproven, and not asked by both paths either."""


def probe_words(probe: Probe, now: datetime) -> str:
    """Return the state of the probe, its targets, and how long ago one answered."""
    text = _WORDS[probe.state]
    if probe.state is ProbeState.UNPROVEN and probe.last_answer is None:
        text = _NEVER
    if probe.targets:
        text = f"{', '.join(probe.targets)}: {text}"
    if probe.last_answer is not None:
        text += f", last answer {ago(max(0.0, (now - probe.last_answer).total_seconds()))} ago"
    return text
