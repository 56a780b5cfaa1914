# SPDX-License-Identifier: GPL-2.0-only
"""Whatever may happen to a pair, under traffic in both directions, for as long as is asked: `make soak`.

The order of events comes from a seed, which a failure prints: the same seed has the same events in the same
order again. Between events not one packet may be lost; at an event no more than its own limit
(tests/soak/happenings.py).
"""

import random
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace

import click

from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.errors import NetvscBpfError
from tests.soak.happenings import HAPPENINGS, choose
from tests.soak.invariants import Watch
from tests.soak.scene import Broken, Scene

_RATE = 500
_BATCH = 10
"""Events with the same two streams: what a stream noted is kept in memory."""
_QUIET_S = 0.5
"""After each event: a part of the time in which nothing may be lost."""


class Soak:
    """One run."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene, self.happened = scene, Counter[str]()
        self._dice = random.Random(seed)
        self._watch = Watch(scene)
        self._borders: list[tuple[str, int, int]] = []

    def batch(self, until: float) -> None:
        """Let some events happen under traffic, and count. Raises Broken, NetvscBpfError."""
        with ExitStack() as stack:
            streams = {
                direction: stack.enter_context(UdpStream(self._plan(direction))) for direction in Direction
            }
            self._borders = []
            for _ in range(_BATCH):
                self._event()
                if time.monotonic() > until:
                    break
            results = {direction: stream.stop() for direction, stream in streams.items()}
        for direction, result in results.items():
            end = 0
            for name, begin, over in self._borders:
                self._hold(f"before {name}", direction, result.window(end, begin).lost, 0)
                self._hold(name, direction, result.window(begin, over).lost, HAPPENINGS[name].lost)
                end = over
            self._hold("after the last", direction, result.window(end, sys.maxsize).lost, 0)
            if result.duplicates:
                raise Broken(f"{direction}: {result.duplicates} packets arrived twice")
        self._watch.look()

    def _event(self) -> None:
        name = choose(self._dice)
        self.happened[name] += 1
        begin = time.monotonic_ns()
        try:
            HAPPENINGS[name].happen(self.scene, self._dice)
            self.scene.wait_vf()
        except (Broken, NetvscBpfError) as error:
            raise Broken(f"at event {self.happened.total()}, {name}: {error}") from error
        self._borders.append((name, begin, time.monotonic_ns()))
        time.sleep(_QUIET_S)

    def _hold(self, what: str, direction: Direction, lost: int, limit: int) -> None:
        if lost > limit:
            raise Broken(
                f"{direction}: {lost} packets lost {what}, at most {limit} may be; "
                f"in the events up to {self.happened.total()}"
            )

    def _plan(self, direction: Direction):  # type: ignore[no-untyped-def]
        return replace(udp_plan(self.scene.lab, direction, rate=_RATE), limit_s=3600.0)


@click.command()
@click.option("--minutes", default=60.0, show_default=True, help="How long.")
@click.option("--seed", type=int, help="Of the order of events; by default one that was never used.")
def main(minutes: float, seed: int | None) -> None:
    """Let things happen to a pair, and check that what must hold does."""
    enter_sandbox()
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    click.echo(f"soak: {minutes:g} minutes with seed {seed}")
    until = time.monotonic() + 60 * minutes
    with Lab() as lab, Scene(lab) as scene:
        scene.wait("the pair", lambda: scene.where() is not None)
        scene.wait_vf()
        soak = Soak(scene, seed)
        try:
            while time.monotonic() < until:
                soak.batch(until)
                click.echo(f"soak: {soak.happened.total()} events: {dict(sorted(soak.happened.items()))}")
        except (Broken, NetvscBpfError) as error:
            click.echo(f"soak: FAILED: {error}")
            click.echo(f"soak: again: make soak ARGS='--seed {seed} --minutes {minutes:g}'")
            sys.exit(1)
    click.echo("soak: passed")


if __name__ == "__main__":
    main()
