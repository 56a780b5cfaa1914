# SPDX-License-Identifier: GPL-2.0-only
"""Entering the network namespace of a per-namespace manager, from threads of the manager's own one."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle
from netvsc_bpf.manager.state.beat import Beat

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InNamespace:
    """A network namespace; without `place` the manager's own, which every thread is in already."""

    place: NetnsHandle | None = None

    @property
    def pins(self) -> NetnsPins:
        """The pins of that namespace."""
        return NetnsPins(namespaces.current_inode() if self.place is None else self.place.inode)

    @property
    def beat(self) -> Beat:
        """When its watches look."""
        return Beat() if self.place is None else Beat.of_namespace(self.place.inode)

    def entered(self) -> AbstractContextManager[None]:
        """Enter the namespace for the block. Raises NamespaceGone, MissingCapability."""
        return nullcontext() if self.place is None else self.place.entered()

    def call(self, work: Callable[[], T]) -> T:
        """Run `work` in the namespace, and return its result."""
        with self.entered():
            return work()
