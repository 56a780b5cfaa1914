# SPDX-License-Identifier: GPL-2.0-only
"""The library called in this very process, where a test can make any step of it fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.datapath.attach_pair import Attached
from netvsc_bpf.kernel.hooks.tc import ClsactHook, TcHook
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.status import PairStatus


@dataclass(frozen=True)
class Direct:
    """attach, detach and status in the guest of a lab. The settle time is the shortest there is."""

    lab: Lab

    def attach(self, interface: str = "eth0", **options: object) -> Attached:
        chosen = AttachOptions(**{"vf": f"vf{interface[-1]}", "settle_ms": 10, **options})  # type: ignore[arg-type]
        return self.lab.in_guest(datapath.attach, interface, chosen)

    def detach(self, interface: str = "eth0") -> None:
        self.lab.in_guest(datapath.detach, interface)

    def status(self, interface: str = "eth0") -> PairStatus:
        (only,) = self.lab.in_guest(datapath.status, interface)
        return only


@contextmanager
def direct(lab: Lab) -> Iterator[Direct]:
    """Whatever is attached at the end of the block is detached."""
    try:
        yield Direct(lab)
    finally:
        lab.in_guest(datapath.detach_all)


def force_clsact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use clsact although the kernel has tcx, as on a kernel before 6.6."""

    def clsact_hook(prog_fd: int, rtnl: Rtnetlink) -> TcHook:
        return ClsactHook(rtnl)

    monkeypatch.setattr("netvsc_bpf.kernel.hooks.tc.best_hook", clsact_hook)
