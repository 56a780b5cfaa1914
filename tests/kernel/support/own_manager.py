# SPDX-License-Identifier: GPL-2.0-only
"""A manager with a policy of the test's, and if it likes a step that hangs: own_manager.py ORDERS (JSON).

It is `netvsc-bpf run` but for the command line. A step that hangs waits for a line on stdin, and goes on.
"""

import json
import sys
from dataclasses import asdict, dataclass

import pytest

from netvsc_bpf.datapath.options import AttachOptions
from netvsc_bpf.lab.namespace import enter
from netvsc_bpf.manager.events.log import Log
from netvsc_bpf.manager.events.log_writer import EventFormat
from netvsc_bpf.manager.process import Manager
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.model.path import LeavePolicy, Liveness, ReturnPolicy
from netvsc_bpf.planner.probe_policy import ProbePolicy
from netvsc_bpf.planner.stall import StallPolicy
from tests.kernel.direct import force_clsact
from tests.kernel.step_faults import hanging

SETTLE_MS = 100
"""The switch port at the other end forwards only once linkwatch has handled it, after the VF's own end. On a
busy machine ten milliseconds may pass in between; what is sent then is lost, as with a real switch.
"""


@dataclass(frozen=True)
class Orders:
    """What to do differently."""

    netns: str
    interfaces: tuple[str, ...] = ("eth0",)
    stall_interval_s: float = 0.4
    stall_intervals: int = 5
    hold_s: float = 1.0
    probe: bool = False
    probe_targets: tuple[str, ...] | None = None
    probe_interval_s: float = 0.3
    probe_missed: int = 3
    step_limit_s: float = 60.0
    interval_s: float = 30.0
    liveness: str | None = None
    leave: str = LeavePolicy.DOWN
    returns: str = ReturnPolicy.AUTO
    clsact: bool = False
    """Do as on a kernel that has no tcx."""
    hangs: str | None = None
    """The class of the step that hangs, once, before its first call to the kernel that changes something."""
    hangs_nth: int = 1
    """Which of the steps of that class."""
    then_errno: int = 0
    """What that call fails with afterwards; 0: it is done."""

    def as_argument(self) -> str:
        return json.dumps(asdict(self))


def main(argument: str) -> None:
    orders = Orders(**json.loads(argument))
    enter(orders.netns)
    config = ManagerConfig(
        interfaces=tuple(orders.interfaces),
        options=AttachOptions(
            any_bus=True,
            liveness=None if orders.liveness is None else Liveness(orders.liveness),
            leave=LeavePolicy(orders.leave),
            return_=ReturnPolicy(orders.returns),
        ),
        settle_ms=SETTLE_MS,
        stall=StallPolicy(
            interval_s=orders.stall_interval_s, intervals=orders.stall_intervals, hold_s=orders.hold_s
        ),
        probe=ProbePolicy(
            enabled=orders.probe,
            targets=None if orders.probe_targets is None else tuple(orders.probe_targets),
            interval_s=orders.probe_interval_s,
            missed=orders.probe_missed,
        ),
        step_limit_s=orders.step_limit_s,
        interval_s=orders.interval_s,
    )
    if orders.clsact:
        force_clsact(pytest.MonkeyPatch())
    with Log(EventFormat(sys.stderr, as_json=True)) as log:
        manager = Manager(config, log)
        if orders.hangs is None:
            manager.run()
            return
        with hanging(orders.hangs, orders.hangs_nth, sys.stdin.readline, orders.then_errno):
            manager.run()


if __name__ == "__main__":
    main(sys.argv[1])
