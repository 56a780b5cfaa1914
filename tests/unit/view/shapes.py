# SPDX-License-Identifier: GPL-2.0-only
"""A pair as `status` reads it, for the tests of what people are shown."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from netvsc_bpf.model.path import GuardMode, Hook, Liveness, Path, Reason, RxMode
from netvsc_bpf.model.status import Drops, PairStatus, PathTraffic, Traffic
from tests.unit.discovery.shapes import NETVSC, VF

CHANGED = datetime(2026, 11, 22, 7, 0, 0, tzinfo=UTC)
ON_VF = PairStatus(
    *(NETVSC, VF, Path.VF, Reason.ARMED, Hook.TCX, Liveness.FENTRY, RxMode.REDIRECT, GuardMode.OFF),
    tx=PathTraffic(vf=Traffic(1_000, 100_000), synthetic=Traffic(10, 1_000)),
    rx=PathTraffic(vf=Traffic(2_000, 200_000), synthetic=Traffic(20, 2_000)),
    drops=Drops(1, 2, 4),
    path_changes=3,
    last_change=CHANGED,
    since=CHANGED,
)


def on_synthetic(reason: Reason, **changes: Any) -> PairStatus:
    """The pair on the synthetic path."""
    vf = None if reason in (Reason.NO_VF, Reason.VF_GONE) else VF
    return replace(ON_VF, **{"path": Path.SYNTHETIC, "reason": reason, "vf": vf, **changes})
