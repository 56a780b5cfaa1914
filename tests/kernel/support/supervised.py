# SPDX-License-Identifier: GPL-2.0-only
"""Work in a forked process of the guest whose every system call is judged: it goes on, fails, or is the last.

The calls of what the process starts, the compiler, are judged as well.
"""

import json
import os
import select
import signal
import socket
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netvsc_bpf.kernel.bpf import mapped_arrays
from netvsc_bpf.lab import namespace
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import NetvscBpfError
from tests.kernel.support import seccomp
from tests.kernel.support.system_calls import MMAP, NUMBERS, SystemCall, describe

GO_ON = 0
KILL = -signal.SIGKILL
_PATIENCE_S = 120.0
"""The limit of a hang."""
_QUIET_MS = 200

Judge = Callable[[SystemCall], int]
"""GO_ON, an errno, or KILL for the process that makes the call."""


@dataclass(slots=True)
class Outcome:
    """How it ended."""

    process: int = 0
    status: int = 0
    """Negative: the signal that killed it."""
    error: str = ""
    """The type of our own error that it ended with."""
    text: str = ""
    bug: str = ""
    """The traceback of any other exception."""
    value: Any = None
    calls: list[SystemCall] = field(default_factory=list)

    @property
    def own(self) -> list[SystemCall]:
        """The calls of the process itself."""
        return [call for call in self.calls if call.process == self.process]


def supervised(
    lab: Lab,
    work: Callable[[], Any],
    judge: Judge = lambda call: GO_ON,
    until: Callable[[], bool] | None = None,
) -> Outcome:
    """Do the work in the guest, in a process of its own, each call of which is judged.

    Work without end is killed when it is quiet and `until` returns true.
    """
    ours, theirs = socket.socketpair()
    result, answer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _work(lab, work, theirs, answer)
        finally:
            os._exit(1)
    os.close(answer)
    theirs.close()
    outcome = Outcome(child)
    with ours:
        _, (listener,), _, _ = socket.recv_fds(ours, 1, 1)
    try:
        _supervise(listener, outcome, judge, until)
    finally:
        os.close(listener)  # later calls fail with ENOSYS
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            os.kill(child, signal.SIGKILL)
        outcome.status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with os.fdopen(result) as answered:
            said = answered.read()
    for name, value in json.loads(said or "{}").items():
        setattr(outcome, name, value)
    return outcome


def _supervise(listener: int, outcome: Outcome, judge: Judge, until: Callable[[], bool] | None) -> None:
    """Judge until no caller is left."""
    deadline = time.monotonic() + _PATIENCE_S
    processes: dict[int, int] = {}
    ready = select.poll()
    ready.register(listener, select.POLLIN)
    while True:
        events = ready.poll(_QUIET_MS)
        if not events:
            if until is not None and until():
                os.kill(outcome.process, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise AssertionError(f"it hangs after {outcome.calls[-1] if outcome.calls else 'its begin'}")
            continue
        if not events[0][1] & select.POLLIN:
            return
        asked = seccomp.receive(listener)
        if asked is None:
            continue
        try:
            process = processes.get(asked.thread) or _process_of(asked.thread)
            processes[asked.thread] = process
            call = describe(asked, process)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it was killed with the process that it belongs to
        verdict = GO_ON
        if call.counts or call.changes:
            outcome.calls.append(call)
            verdict = judge(call)
        if verdict == KILL:
            os.kill(process, signal.SIGKILL)
        else:
            seccomp.answer(listener, asked, verdict)


def _process_of(thread: int) -> int:
    for line in Path(f"/proc/{thread}/status").read_text().splitlines():
        if line.startswith("Tgid:"):
            return int(line.split()[1])
    raise AssertionError("the kernel names each thread's process")


def _work(lab: Lab, work: Callable[[], Any], channel: socket.socket, answer: int) -> None:
    namespace.enter(lab.guest)
    _show_changes_of_memory()
    listener = seccomp.listen(NUMBERS.values(), MMAP)
    socket.send_fds(channel, [b"!"], [listener])
    os.close(listener)
    channel.close()
    said: dict[str, Any] = {}
    try:
        said["value"] = work()
    except NetvscBpfError as error:
        said.update(error=type(error).__name__, text=str(error))
    except BaseException:
        said["bug"] = traceback.format_exc()
    os.write(answer, json.dumps(said, default=str).encode())
    os._exit(0)


def _show_changes_of_memory() -> None:
    """Have each write to a map's memory begin with a call that can be judged."""
    write = mapped_arrays.Table.write

    def shown(table: mapped_arrays.Table, number: int, value: Any) -> None:
        os.sched_yield()
        write(table, number, value)

    mapped_arrays.Table.write = shown  # type: ignore[method-assign]  # of this process alone
