# SPDX-License-Identifier: GPL-2.0-only
"""A session gives an operation the pins of this namespace, netlink, the NICs, and writers the lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from netvsc_bpf.discovery.nics import NicMemo, list_nics, some_nics
from netvsc_bpf.kernel.bpf import claim_lock, pin_files, pins
from netvsc_bpf.kernel.bpf.bpffs import require_bpffs
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process import namespaces, pin_root, writer_lock
from netvsc_bpf.kernel.process.capabilities import CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, require
from netvsc_bpf.kernel.process.kernel_version import require_kernel
from netvsc_bpf.model.nic import Nic

if TYPE_CHECKING:
    from netvsc_bpf.kernel.hooks.tc import TcHook

_FEW = 4
"""Asking for one interface takes about as long as this many in a dump."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The interfaces that a session is limited to."""

    members: frozenset[int]
    total: int
    """The number of all interfaces when they were last listed."""


class Tools:
    """Access to the kernel for a session and its refreshed copies."""

    def __init__(self, memo: NicMemo | None = None) -> None:
        """`memo` is for callers that list the NICs again and again, in one thread."""
        self.memo = memo
        self.rtnl = Rtnetlink()
        self._hook: TcHook | None = None
        self.warnings: list[str] = []
        """Steps that failed and are not essential, in words. The caller that reports them removes them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rtnl.close()

    def list_nics(self) -> tuple[Nic, ...]:
        """Return all interfaces."""
        return tuple(list_nics(self.rtnl, memo=self.memo))

    def look(self, scope: "Scope | None") -> tuple[Nic, ...]:
        """Return the interfaces in `scope`; a few among many are each requested by themselves."""
        if scope is None:
            return self.list_nics()
        if len(scope.members) * _FEW > scope.total:
            return tuple(nic for nic in self.list_nics() if nic.ifindex in scope.members)
        return tuple(some_nics(self.rtnl, sorted(scope.members), memo=self.memo))

    def hook(self, loaded: LoadedObject) -> "TcHook":
        """Return the tc hook that the kernel supports. Probed once: it takes the RTNL lock."""
        if self._hook is None:
            from netvsc_bpf.kernel.hooks.tc import best_hook  # readers do not need it

            self._hook = best_hook(loaded.program("control"), self.rtnl)
        return self._hook


@dataclass(frozen=True, slots=True)
class Session:
    """The state of this thread's network namespace as read at one moment."""

    pins: NetnsPins
    tools: Tools
    nics: tuple[Nic, ...]
    scope: Scope | None = None
    """The interfaces that it is limited to; None: all."""

    _by_ifindex: dict[int, Nic] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_ifindex", {nic.ifindex: nic for nic in self.nics})

    @property
    def rtnl(self) -> Rtnetlink:
        """The netlink socket."""
        return self.tools.rtnl

    def hook(self, loaded: LoadedObject) -> "TcHook":
        """Return the tc hook that the kernel supports."""
        return self.tools.hook(loaded)

    def only(self, members: frozenset[int]) -> "Session":
        """Return this session limited to some interfaces (ifindexes), also when it is refreshed."""
        nics = tuple(nic for nic in self.nics if nic.ifindex in members)
        total = len(self.nics) if self.scope is None else self.scope.total
        return Session(self.pins, self.tools, nics, Scope(members, total))

    def everything(self) -> "Session":
        """Return a session that has read all interfaces again."""
        return Session(self.pins, self.tools, self.tools.list_nics())

    def with_more(self, members: frozenset[int]) -> "Session":
        """Return a session that has read its interfaces again, and these (ifindexes) in addition."""
        if self.scope is None:
            return self.refreshed()
        scope = Scope(self.scope.members | members, self.scope.total)
        return Session(self.pins, self.tools, self.tools.look(scope), scope)

    def refreshed(self) -> "Session":
        """Return a session that has read the same interfaces again."""
        return Session(self.pins, self.tools, self.tools.look(self.scope), self.scope)

    def nic(self, ifindex: int | None) -> Nic | None:
        """Return the NIC with that ifindex, None if there is none."""
        return None if ifindex is None else self._by_ifindex.get(ifindex)

    def attached(self) -> list[int]:
        """Return the ifindexes of the attached synthetic NICs."""
        return pins.attached_ifindexes(self.pins)


@contextmanager
def reading(what: str, memo: NicMemo | None = None, scope: Scope | None = None) -> Iterator[Session]:
    """Open a session that changes nothing, with the interfaces in `scope` or all of them.

    Raises NotSupported (an old kernel), BpffsUnavailable, MissingCapability, and KernelError for unexpected
    OSErrors in the block.
    """
    with changing(what):
        require_kernel(what)
        require(what, CAP_BPF)
        require_bpffs()
        ours = NetnsPins(namespaces.current_inode())
        pin_root.require_access(what, ours.root)
        with pin_root.held(ours.root), Tools(memo) as tools:
            yield Session(ours, tools, tools.look(scope), scope=scope)


@contextmanager
def writing(what: str, memo: NicMemo | None = None, scope: Scope | None = None) -> Iterator[Session]:
    """Open a session for changes, with the interfaces in `scope` or all of them, under the writer lock.

    Raises NotSupported (an old kernel), BpffsUnavailable, MissingCapability, Busy, and KernelError for
    unexpected OSErrors in the block. First, leftovers of a loader or a detach that was killed are removed,
    and an interrupted change of programs is finished. At the end, the folder of the namespace is removed if
    nothing is attached in it.
    """
    with changing(what):
        require_kernel(what)
        require(what, CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON)
        require_bpffs()
        ours = NetnsPins(namespaces.current_inode())
        pin_root.require_access(what, ours.root)
        with writer_lock.writer(ours.root), Tools(memo) as tools:
            if not pins.in_use(ours):
                pins.remove_tree(ours, ours.home)  # left by a detach that was killed
            pin_files.make_folder(ours.home)
            try:
                nics = tools.look(scope)
                pins.remove_unfinished(ours)
                if pins.upgrades(ours):
                    from netvsc_bpf.kernel.hooks import replace_programs

                    every = nics if scope is None else tools.list_nics()
                    replace_programs.finish(ours, tools.rtnl, [nic.ifindex for nic in every])
                yield Session(ours, tools, nics, scope)
            finally:
                if not pins.in_use(ours):
                    pins.remove_tree(ours, ours.home)
                claim_lock.clear(ours)
