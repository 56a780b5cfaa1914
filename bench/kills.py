# SPDX-License-Identifier: GPL-2.0-only
"""kill -9 at any moment of a flap, and another manager at once: is the state right, and what does it cost?

The VF goes down and up, or leaves the guest and returns, under a numbered stream. In turns: flaps with the
manager left alone, the control, and flaps during which it is killed at a random moment and started again.
Neither way of leaving costs a packet by itself (`make bench-failover`).
"""

import random
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from bench.events import move_vf
from bench.managed import UNDAMPED, Managed, PairStates, attached
from bench.report import Report, quartiles
from netvsc_bpf import datapath
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path as WayOut
from netvsc_bpf.model.path import Reason

SETTLE_MS = 200
"""Long enough for the switch's port to be open again."""
_RATE = 5000
_WITHIN_S = 0.6
"""From the beginning of a flap on: a new manager needs about as long until it looks."""
_BATCH = 9
_CONTROL_EVERY = 3


@dataclass(slots=True)
class Tally:
    """Flaps of one sort."""

    name: str
    sent: int = 0
    lost: int = 0
    worst: int = 0
    wrong: list[str] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)
    """Of the managers that were killed, from their start on."""


def measure(kills: int, seed: int) -> list[Tally]:
    """Return what the control and the killed flaps cost."""
    dice = random.Random(seed)
    control, killed = Tally("left alone"), Tally("killed and started again")
    with ExitStack() as undo:
        lab = undo.enter_context(Lab())
        manager = undo.enter_context(Managed(lab, SETTLE_MS, UNDAMPED))
        manager.wait("the pair", lambda: attached(lab) == 1)
        states = PairStates(lab)
        undo.callback(states.close)
        manager.wait("the VF in use", lambda: states.armed() == 1)
        done = 0
        while done < kills:
            count = min(_BATCH, kills - done)
            sorts = [killed] * count + [control] * -(-count // _CONTROL_EVERY)
            dice.shuffle(sorts)
            _batch(lab, manager, states, sorts, dice)
            done += count
    return [control, killed]


def _batch(lab: Lab, manager: Managed, states: PairStates, sorts: list[Tally], dice: random.Random) -> None:
    plan = replace(udp_plan(lab, Direction.TX, rate=_RATE), limit_s=10.0 * (len(sorts) + 1))
    borders = []
    with UdpStream(plan) as stream:
        time.sleep(0.05)
        for tally in sorts:
            borders.append(time.monotonic_ns())
            age_s = _flap(lab, manager, states, dice, kill=tally.name.startswith("killed"))
            tally.ages_s += [] if age_s is None else [age_s]
            tally.back_s.append((time.monotonic_ns() - borders[-1]) / 1e9)
            time.sleep(0.05)
            if wrong := _wrong(lab):
                tally.wrong.append(wrong)
        borders.append(time.monotonic_ns())
        result = stream.stop()
    for number, tally in enumerate(sorts):
        loss = result.window(borders[number], borders[number + 1])
        tally.sent += loss.sent
        tally.lost += loss.lost
        tally.worst = max(tally.worst, loss.lost)


def _flap(lab: Lab, manager: Managed, states: PairStates, dice: random.Random, *, kill: bool) -> float | None:
    """Return how old the manager was that was killed, in s."""
    age_s: float | None = None
    removal, away_s, moment_s = dice.random() < 0.5, dice.uniform(0.02, 0.15), dice.uniform(0, _WITHIN_S)
    begun = time.monotonic()

    def killer() -> None:
        nonlocal age_s
        time.sleep(moment_s)
        age_s = time.monotonic() - manager.started_at
        manager.kill()
        manager.start()

    thread = threading.Thread(target=killer) if kill else None
    if thread is not None:
        thread.start()
    _leave(lab, removal)
    time.sleep(away_s)
    _come_back(lab, removal)
    if thread is not None:
        thread.join()
    else:
        time.sleep(max(0.0, begun + SETTLE_MS / 1e3 - time.monotonic()))
    manager.wait("the VF in use again", lambda: states.armed() == 1, 0.005)
    return age_s


def _leave(lab: Lab, removal: bool) -> None:
    move_vf(lab, lab.guest, lab.peer) if removal else lab.vf_down()


def _come_back(lab: Lab, removal: bool) -> None:
    move_vf(lab, lab.peer, lab.guest) if removal else lab.vf_up()


def _wrong(lab: Lab) -> str:
    """Say what is not as it should be, by the product's own `status`."""
    (one,) = lab.in_guest(datapath.status)
    vf = None if one.vf is None else one.vf.name
    state = (one.path, one.reason, vf)
    return "" if state == (WayOut.VF, Reason.ARMED, "vf0") else str(state)


@click.command()
@click.option("--kills", default=200, show_default=True, help="How often the manager is killed.")
@click.option("--seed", default=27, show_default=True, help="Of the dice.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(kills: int, seed: int, json_path: Path | None) -> None:
    """Kill managers."""
    enter_sandbox()
    report = Report("kills", json_path)
    tallies = measure(kills, seed)
    control, killed = tallies
    rows = [
        (one.name, len(one.back_s), one.sent, one.lost, one.worst, len(one.wrong), quartiles(one.back_s)[1])
        for one in tallies
    ]
    columns = ("flaps", "times", "sent", "lost", "worst", "wrong at the end", "s until back, median")
    report.table(f"VF down and up, VF out and back; settle time {SETTLE_MS} ms", columns, rows)
    for one in tallies:
        for wrong in one.wrong:
            report.say(f"{one.name}: {wrong}")
        report.raw(one.name, {"lost": one.lost, "sent": one.sent, "back_s": one.back_s, "ages_s": one.ages_s})
    low, middle, high = quartiles(killed.ages_s)
    report.say(f"age of a manager when it was killed: {middle:.2f} s, quartiles {low:.2f} and {high:.2f} s")
    report.claim("final states that were wrong", len(control.wrong) + len(killed.wrong), 0, "")
    share = control.lost * len(killed.back_s) / max(1, len(control.back_s))
    report.claim("packets lost beyond the control's", max(0.0, killed.lost - share), 0, "packets")
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
