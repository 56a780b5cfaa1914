# SPDX-License-Identifier: GPL-2.0-only
"""Detecting that the manager's own network namespace was deleted.

The manager itself keeps it alive, with the NICs that should go back to the initial namespace. So if the
namespace was mounted (`ip netns`, a container runtime) and no longer is, and no other process is in it, the
manager detaches its pairs and ends. A namespace that was not mounted when the manager started, such as the
initial one, is not watched.
"""

import asyncio
from pathlib import Path
from typing import NoReturn

from netvsc_bpf import datapath
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.kernel.process.namespace_holders import handles, has_processes, is_handle
from netvsc_bpf.manager.state.beat import Beat
from netvsc_bpf.model.errors import NamespaceGone, NetvscBpfError

_LOOK_AT_PROCESSES_S = 10.0


class OwnNamespace:
    """The network namespace of the thread that made this."""

    def __init__(self) -> None:
        self._inode = namespaces.current_inode()
        self._handles: tuple[Path, ...] = ()
        self.name = ""
        self._look_for_handles()

    async def deleted(self) -> None:
        """Return once it is deleted."""
        if not self._handles:
            await asyncio.get_running_loop().create_future()
        while True:
            while any(is_handle(path, self._inode) for path in self._handles):
                await asyncio.sleep(Beat().wait_s(asyncio.get_running_loop().time()))
            if not self._look_for_handles():
                if not has_processes(self._inode):
                    return
                await asyncio.sleep(_LOOK_AT_PROCESSES_S)

    def leave(self) -> NoReturn:
        """Detach all its pairs, which no other process could do. Raises NamespaceGone."""
        what, why = "the manager has ended", f"network namespace {self.name} was deleted"
        try:
            _, warnings = datapath.detach_all()
        except NetvscBpfError as error:
            raise NamespaceGone(what, f"{why}, and its pairs cannot be detached: {error}") from error
        raise NamespaceGone(what, "; ".join([f"{why}; its pairs are detached", *warnings]))

    def _look_for_handles(self) -> bool:
        self._handles = handles(self._inode)
        if self._handles:
            self.name = self._handles[0].name
        return bool(self._handles)
