# SPDX-License-Identifier: GPL-2.0-only
"""The network namespace of a branch, for threads that are at home in the manager's own."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InNamespace:
    """Without a place it is the manager's own: every thread is in it already."""

    place: NetnsHandle | None = None

    @property
    def pins(self) -> NetnsPins:
        """The pins of that namespace."""
        return NetnsPins(namespaces.current_inode() if self.place is None else self.place.inode)

    def entered(self) -> AbstractContextManager[None]:
        """Be there for a moment. Raises NamespaceGone, MissingCapability."""
        return nullcontext() if self.place is None else self.place.entered()

    def call(self, work: Callable[[], T]) -> T:
        """Do work there, and return what it does."""
        with self.entered():
            return work()
