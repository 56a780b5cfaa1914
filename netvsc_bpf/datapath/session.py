# SPDX-License-Identifier: GPL-2.0-only
"""What every operation needs: the pins of this namespace, netlink, the NICs, and for writers the lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from netvsc_bpf.discovery.nics import NicMemo, list_nics, some_nics
from netvsc_bpf.kernel.bpf import claim_lock, pin_files, pins
from netvsc_bpf.kernel.bpf.bpffs import require_bpffs
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.hooks import replace_programs
from netvsc_bpf.kernel.hooks.tc import TcHook, best_hook
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process import namespaces, pin_root, writer_lock
from netvsc_bpf.kernel.process.capabilities import CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, require
from netvsc_bpf.model.nic import Nic

_FEW = 4
"""Asking for one interface takes about as long as so many in a dump."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The interfaces that a look is confined to."""

    members: frozenset[int]
    total: int
    """How many interfaces there were in all at the last look at all of them."""


class Tools:
    """What a session asks the kernel with. Lives as long as the session, however often it looks again."""

    def __init__(self, memo: NicMemo | None = None) -> None:
        """`memo` is for whoever looks again and again, by one thread."""
        self.memo = memo
        self.rtnl = Rtnetlink()
        self._hook: TcHook | None = None
        self.warnings: list[str] = []
        """What could not be done and is not essential, in words; whoever reports it takes it out."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rtnl.close()

    def list_nics(self) -> tuple[Nic, ...]:
        """Return every interface there is now."""
        return tuple(list_nics(self.rtnl, memo=self.memo))

    def look(self, scope: "Scope | None") -> tuple[Nic, ...]:
        """Return the interfaces that are `scope`: each asked for by itself where they are few total many."""
        if scope is None:
            return self.list_nics()
        if len(scope.members) * _FEW > scope.total:
            return tuple(nic for nic in self.list_nics() if nic.ifindex in scope.members)
        return tuple(some_nics(self.rtnl, sorted(scope.members), memo=self.memo))

    def hook(self, loaded: LoadedObject) -> TcHook:
        """Return the tc hook that the kernel offers: asked once, it takes the lock of all interfaces."""
        if self._hook is None:
            self._hook = best_hook(loaded.program("control"), self.rtnl)
        return self._hook


@dataclass(frozen=True, slots=True)
class Session:
    """One look at this thread's network namespace."""

    pins: NetnsPins
    tools: Tools
    nics: tuple[Nic, ...]
    lock_fd: int | None = None
    """The lock of a writer, for children that must not outlive it unnoticed."""
    scope: Scope | None = None
    """The interfaces that it is confined to; None: all."""

    _by_ifindex: dict[int, Nic] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_ifindex", {nic.ifindex: nic for nic in self.nics})

    @property
    def rtnl(self) -> Rtnetlink:
        """The netlink socket."""
        return self.tools.rtnl

    def hook(self, loaded: LoadedObject) -> TcHook:
        """Return the tc hook that the kernel offers."""
        return self.tools.hook(loaded)

    def only(self, members: frozenset[int]) -> "Session":
        """Return this look, and those that refresh it, confined to some interfaces (ifindexes)."""
        nics = tuple(nic for nic in self.nics if nic.ifindex in members)
        total = len(self.nics) if self.scope is None else self.scope.total
        return Session(self.pins, self.tools, nics, self.lock_fd, Scope(members, total))

    def everything(self) -> "Session":
        """Look again, at every interface."""
        return Session(self.pins, self.tools, self.tools.list_nics(), self.lock_fd)

    def with_more(self, members: frozenset[int]) -> "Session":
        """Look again, at these interfaces (ifindexes) as well where it was confined to others."""
        if self.scope is None:
            return self.refreshed()
        scope = Scope(self.scope.members | members, self.scope.total)
        return Session(self.pins, self.tools, self.tools.look(scope), self.lock_fd, scope)

    def refreshed(self) -> "Session":
        """Look again, at the same interfaces."""
        return Session(self.pins, self.tools, self.tools.look(self.scope), self.lock_fd, self.scope)

    def nic(self, ifindex: int | None) -> Nic | None:
        """Return the NIC of that number, None if there is none (any more)."""
        return None if ifindex is None else self._by_ifindex.get(ifindex)

    def attached(self) -> list[int]:
        """Return the ifindexes of the attached synthetic NICs."""
        return pins.attached_ifindexes(self.pins)


@contextmanager
def reading(what: str, memo: NicMemo | None = None, scope: Scope | None = None) -> Iterator[Session]:
    """Look without changing anything, at what is `scope` or at everything.

    Raises BpffsUnavailable, MissingCapability, and KernelError for what fails in the block unexpectedly.
    """
    with changing(what):
        require(what, CAP_BPF)
        require_bpffs()
        ours = NetnsPins(namespaces.current_inode())
        pin_root.require_access(what, ours.root)
        with pin_root.held(ours.root), Tools(memo) as tools:
            yield Session(ours, tools, tools.look(scope), scope=scope)


@contextmanager
def writing(what: str, memo: NicMemo | None = None, scope: Scope | None = None) -> Iterator[Session]:
    """Look, at what is `scope` or at everything, and change, alone.

    Raises BpffsUnavailable, MissingCapability, Busy, KernelError for what fails in the block unexpectedly.
    First, what a loader or a detach left that was killed is removed, and a change of programs finished.
    The folder of the namespace is removed again when nothing is attached in it at the end.
    """
    with changing(what):
        require(what, CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON)
        require_bpffs()
        ours = NetnsPins(namespaces.current_inode())
        pin_root.require_access(what, ours.root)
        with writer_lock.writer(ours.root) as lock_fd, Tools(memo) as tools:
            if not pins.in_use(ours):
                pins.remove_tree(ours, ours.home)  # a detach was killed while it did
            pin_files.make_folder(ours.home)
            try:
                nics = tools.look(scope)
                pins.remove_unfinished(ours)
                if pins.upgrades(ours):
                    every = nics if scope is None else tools.list_nics()
                    replace_programs.finish(ours, tools.rtnl, [nic.ifindex for nic in every])
                yield Session(ours, tools, nics, lock_fd, scope)
            finally:
                if not pins.in_use(ours):
                    pins.remove_tree(ours, ours.home)
                claim_lock.clear(ours)
