# SPDX-License-Identifier: GPL-2.0-only
"""What the manager writes to its log."""

from dataclasses import dataclass
from typing import Annotated

from netvsc_bpf.model.setting import Setting
from netvsc_bpf.model.severity import Severity


@dataclass(frozen=True, slots=True)
class LogPolicy:
    """What `run` writes to stderr, or the journal. `events` shows every event but those of `debug`."""

    level: Annotated[
        Severity,
        Setting("The least severe events that are logged; with `debug` each reconciliation is logged too."),
    ] = Severity.INFO
