# SPDX-License-Identifier: GPL-2.0-only
"""What each program costs a packet, compared with an empty program and with its kernel calls alone."""

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from bench import calls
from bench.calls import SCHED_CLS, XDP
from bench.command import netvsc_bpf
from bench.report import Report, middle_mean, quartiles
from bench.test_run import Cost, measure, skb_context, xdp_context
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.kernel.bpf.abi import REASONS, ControlCommand, ControlResult
from netvsc_bpf.kernel.bpf.btf import Btf
from netvsc_bpf.kernel.bpf.kfunc_calls import ReadOnlyCast
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.namespace import call_in
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Liveness, Reason

_UNSPEC, _NEXT, _REDIRECTED = -1, 0xFFFFFFFF, 7  # TC_ACT_*, include/uapi/linux/pkt_cls.h
_DROP, _PASS = 1, 2  # enum xdp_action, include/uapi/linux/bpf.h
_INGRESS = 1  # BPF_F_INGRESS
_UNICAST = bytes.fromhex("00155d010203 020000000001 88b5") + bytes(50)
_BROADCAST = bytes.fromhex("ffffffffffff 020000000003 88b5") + bytes(50)
"""From another station than _UNICAST, which steer sends: what comes from its MAC is taken for returned."""
_OWN = bytes.fromhex("ffffffffffff 00155d010203 88b5") + bytes(50)
"""What the pair itself has sent; such a frame that comes in by the path that is not in use has come back."""
_EMPTY_NS = 5.0
"""What an empty program took where the limits were set.

Elsewhere they are ratios: with Safe RET and retpolines one kernel call alone, which no program that
redirects can do without, takes more than the whole limit.
"""
_HOUR_NS = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Subject:
    """One way through one program."""

    name: str
    namespace: str
    fd: int
    kind: int
    ifindex: int
    frame: bytes
    answer: int
    """What it must return: a program that went another way was not measured."""
    calls: bytes = b""
    """Code that makes the same kernel calls, and nothing else."""
    limit_ns: float | None = None
    """What it may cost more than an empty one, where that takes 5 ns."""

    @property
    def empty_answer(self) -> int:
        """What the empty program returns."""
        return _PASS if self.kind == XDP else _UNSPEC

    def run(self, fd: int, answer: int, repeats: int) -> Cost:
        """Run ``fd`` on this subject's packet, in its namespace."""
        if self.kind == XDP:
            context = xdp_context(self.ifindex, len(self.frame))
        else:
            context = skb_context(self.ifindex)
        got, cost = call_in(self.namespace, measure, fd, self.frame, context, repeats)
        if got != answer & 0xFFFFFFFF:
            raise click.ClickException(f"{self.name} returned {got}, not {answer}: another way was taken")
        return cost


@dataclass(frozen=True, slots=True)
class Round:
    """One turn: the program, the empty one, and the calls alone."""

    own: Cost
    empty: Cost
    calls: Cost


class Attached:
    """A lab whose pair is attached and armed at one liveness level."""

    def __init__(self, undo: ExitStack, liveness: Liveness) -> None:
        self.lab = undo.enter_context(Lab())
        self.guest = self.lab.guest
        if liveness is Liveness.FENTRY:
            self.lab.run(self.guest, [sys.executable, "-m", "bench.fentry_level"])
        netvsc_bpf(self.lab, "attach", "eth0", "--vf", "vf0", "--liveness", liveness.value)
        undo.callback(netvsc_bpf, self.lab, "detach", "eth0")
        self.pins = NetnsPins(self.lab.in_guest(namespaces.current_inode))
        self.loaded = undo.enter_context(self.lab.in_guest(LoadedObject, self.pins))
        self.eth0, self.vf0 = (self.lab.ifindex(self.guest, name) for name in ("eth0", "vf0"))

    def disarm(self, *, settling: bool) -> None:
        """Leave the VF for good, or to come back only after an hour."""
        slot = find_pair_slot(self.loaded, self.eth0)
        assert slot is not None
        self.loaded.control(ControlCommand.WITHDRAW, slot, REASONS.index(Reason.DRAINED))
        if settling:
            answer = self.loaded.control(ControlCommand.PERMIT, slot, _HOUR_NS)
            assert answer is ControlResult.SYNTHETIC

    def steer(self, name: str, answer: int, code: bytes = b"", limit: float | None = None) -> Subject:
        """Return steer as it is now."""
        program = self.program("steer")
        return Subject(name, self.guest, program, SCHED_CLS, self.eth0, _UNICAST, answer, code, limit)

    def program(self, name: str) -> int:
        """Return the descriptor of the pair's own copy of a program."""
        return libbpf.obj_get(self.pins.copy(self.eth0, name))


def subjects(undo: ExitStack) -> list[Subject]:
    """Prepare everything that is measured."""
    fentry, live, idle, settling = (
        Attached(undo, level) for level in (Liveness.FENTRY, Liveness.LIVE, Liveness.LIVE, Liveness.LIVE)
    )
    idle.disarm(settling=False)
    settling.disarm(settling=True)
    paths = libbpf.obj_get(live.pins.map("paths"))
    steering = calls.lookup(paths) + calls.redirect(live.vf0, 0)
    with Btf.of_kernel() as btf:
        looking = calls.probe_read() if ReadOnlyCast.of_kernel(btf) is None else b""
    homing = calls.redirect(live.eth0, _INGRESS)
    home, guard = (live.program(name) for name in ("home", "guard"))
    unused = idle.program("guard")
    return [
        fentry.steer("steer_fentry, armed", _REDIRECTED, steering, 4),
        live.steer("steer_live, armed", _REDIRECTED, looking + steering, 12),
        idle.steer("steer_live, not permitted", _NEXT),
        settling.steer("steer_live, settling", _NEXT),
        Subject("home", live.guest, home, SCHED_CLS, live.vf0, _UNICAST, _REDIRECTED, homing, 4),
        Subject("guard, unicast by the path in use", idle.guest, unused, XDP, idle.eth0, _UNICAST, _PASS),
        Subject("guard, compared", live.guest, guard, XDP, live.eth0, _BROADCAST, _PASS),
        Subject("guard, own frame dropped", live.guest, guard, XDP, live.eth0, _OWN, _DROP),
    ]


def measure_all(measured: list[Subject], rounds: int, repeats: int) -> dict[str, list[Round]]:
    """Measure each subject in each round, its three programs one after the other."""
    others = {
        subject.name: [
            calls.load(subject.kind, code + calls.answering(subject.empty_answer))
            for code in (b"", subject.calls)
        ]
        for subject in measured
    }
    found: dict[str, list[Round]] = {subject.name: [] for subject in measured}
    for number in range(rounds):
        for subject in measured:
            todo = [
                (subject.fd, subject.answer),
                *((fd, subject.empty_answer) for fd in others[subject.name]),
            ]
            # Each goes first equally often, so that what the first leaves in caches favours none.
            turn = number % len(todo)
            costs = [subject.run(fd, answer, repeats) for fd, answer in todo[turn:] + todo[:turn]]
            found[subject.name].append(Round(*(costs[-turn:] + costs[:-turn] if turn else costs)))
    return found


@click.command()
@click.option("--rounds", default=200, show_default=True, help="How often each is measured.")
@click.option("--repeats", default=200_000, show_default=True, help="Runs in one measurement.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the raw numbers there.")
def main(rounds: int, repeats: int, json_path: Path | None) -> None:
    """Measure what each program costs a packet."""
    enter_sandbox()
    report = Report("programs", json_path)
    with ExitStack() as undo:
        measured = subjects(undo)
        found = measure_all(measured, rounds, repeats)
    rows = [_row(report, subject, found[subject.name]) for subject in measured]
    report.table(
        f"ns a run: {rounds} rounds of {repeats} runs, means of the middle half of paired differences",
        (
            "program",
            "whole",
            "empty",
            "over empty",
            "quartiles",
            "by CPU clock",
            "calls alone",
            "own code",
        ),
        rows,
    )
    sys.exit(report.finish())


def _row(report: Report, subject: Subject, rounds: list[Round]) -> tuple[object, ...]:
    differences = [one.own.kernel_ns - one.empty.kernel_ns for one in rounds]
    low, _, high = quartiles(differences)
    over = middle_mean(differences)
    by_cpu = quartiles([one.own.cpu_ns - one.empty.cpu_ns for one in rounds])[1]
    calling = middle_mean([one.calls.kernel_ns - one.empty.kernel_ns for one in rounds])
    report.raw(subject.name, [[(c.kernel_ns, c.cpu_ns) for c in (r.own, r.empty, r.calls)] for r in rounds])
    if subject.limit_ns is not None:
        whole = middle_mean([one.own.kernel_ns / one.empty.kernel_ns for one in rounds])
        limit = 1 + subject.limit_ns / _EMPTY_NS
        report.claim(f"{subject.name}, times an empty program", whole, limit, "")
        if over > subject.limit_ns:
            report.say(f"{subject.name}: {over:.1f} ns over empty, more than {subject.limit_ns:g} ns")
    return (
        subject.name,
        middle_mean([one.own.kernel_ns for one in rounds]),
        middle_mean([one.empty.kernel_ns for one in rounds]),
        over,
        f"{low:.0f} to {high:.0f}",
        "-" if subject.kind == XDP else by_cpu,
        calling if subject.calls else "-",
        over - calling if subject.calls else "-",
    )


if __name__ == "__main__":
    main()
