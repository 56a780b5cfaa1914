# SPDX-License-Identifier: GPL-2.0-only
"""A manager that damps, without the flaps that it takes to get there."""

import time
from dataclasses import replace

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.events.reporter import Reporter
from netvsc_bpf.manager.reconcile.reconciler import Reconciler
from netvsc_bpf.manager.state.config import ManagerConfig


def damping_manager(lab: Lab, config: ManagerConfig) -> Reconciler:
    """Return a manager that has looked, and damps all its pairs from now on."""
    manager = Reconciler(config, Reporter(lambda event: None))
    lab.in_guest(manager)
    for pair in manager.memories:
        memory = manager.memories.of(pair)
        damper = replace(memory.damper, figure=4000.0, at=time.monotonic(), suppressed=True)
        memory.charges = replace(memory.charges, damper=damper)
    return manager
