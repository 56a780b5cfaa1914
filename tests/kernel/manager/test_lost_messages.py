# SPDX-License-Identifier: GPL-2.0-only
"""ENOBUFS: the kernel lost messages for us, or a dump ended with it. A fresh look follows, and no crash."""

import errno
import os
import signal
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Any

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath import session
from netvsc_bpf.lab.namespace import call_in
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.events.kinds import Kind
from netvsc_bpf.model.errors import KernelError
from tests.kernel.conftest import LabFactory
from tests.kernel.manager.turns import Turns
from tests.kernel.support.manager import own_manager_of
from tests.kernel.support.waiting import eventually

MESSAGES = 3000
"""Some 2 KB each in the receiver's buffer, whose size is 208 KB by default (net.core.rmem_default)."""


def lost(lab: Lab, pid: int) -> int:
    """How many netlink messages the sockets of a process missed: the column Drops, by inode."""
    own = set()
    for fd in FilePath(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it stops a moment after it was reported to
            own.add(str(fd.readlink()))
    table = call_in(lab.guest, FilePath("/proc/thread-self/net/netlink").read_text)
    rows = (line.split() for line in table.splitlines()[1:])
    return sum(int(row[8]) for row in rows if f"socket:[{row[9]}]" in own)


def test_messages_that_were_lost_lead_to_a_fresh_look(lab_factory: LabFactory) -> None:
    lab = lab_factory(LabPlan(vf=False))
    with own_manager_of(lab) as manager:
        manager.wait_event("attached")
        manager.process.send_signal(signal.SIGSTOP)
        try:
            before = lost(lab, manager.process.pid)
            lab.plug_vf()
            lines = "".join(f"link set lo alias number{number}\n" for number in range(MESSAGES))
            batch = FilePath(f"/tmp/netvsc-bpf-batch-{os.getpid()}")
            batch.write_text(lines)
            try:
                lab.run(lab.guest, ["ip", "-batch", batch])
            finally:
                batch.unlink()
            assert lost(lab, manager.process.pid) > before, "or nothing was tried"
        finally:
            manager.process.send_signal(signal.SIGCONT)
        manager.wait_vf()
        assert not manager.events_of("failed") and not manager.noise


def test_dump_that_ends_with_enobufs_is_made_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket that dumps is on no group, so that it should not happen; and yet it may."""
    real = session.list_nics
    turns = Turns(lab)
    try:
        for place in range(3):
            calls = iter(range(100))

            def failing(ipr: Any, at: int = place, calls: Any = calls, **options: Any) -> Any:
                if next(calls) == at:
                    raise OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
                return real(ipr, **options)

            monkeypatch.setattr(session, "list_nics", failing)
            with pytest.raises(KernelError, match="buffer") as raised:
                turns.turn()
            assert raised.value.errno == errno.ENOBUFS
            eventually(f"armed after call {place}", turns.armed)
            assert not turns.events_of(Kind.FAILED)
            lab.in_guest(datapath.detach_all)
    finally:
        lab.in_guest(datapath.detach_all)
