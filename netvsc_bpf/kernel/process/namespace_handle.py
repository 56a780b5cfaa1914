# SPDX-License-Identifier: GPL-2.0-only
"""Handles of other network namespaces: identified by number, entered temporarily, never kept open.

A descriptor, a socket or a thread in a namespace keeps it alive; after its owner deleted it, it would live on
in this process, with the physical NICs that should return to the initial namespace. So none is kept open.
"""

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.kernel.process.errnos import is_transient
from netvsc_bpf.model.errors import NamespaceGone

_NAMED = Path("/run/netns")
_PROC = Path("/proc")
_OWN = Path("/proc/thread-self/ns/net")


@dataclass(frozen=True, slots=True)
class NetnsHandle:
    """One network namespace: the inode of /proc/<pid>/ns/net, and the cookie, which is never reused."""

    inode: int
    cookie: int

    @classmethod
    def here(cls) -> Self:
        """Return the handle of this thread's network namespace."""
        return cls(namespaces.current_inode(), namespaces.current_cookie())

    @property
    def name(self) -> str:
        """Its name in `ip netns`, or its inode number if it has none."""
        path = named().get(self.inode)
        return f"namespace {self.inode}" if path is None else path.name

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Open it for the block; give the descriptor. Raises NamespaceGone if it is gone or not reachable."""
        path = reachable().get(self.inode)
        if path is None:
            raise NamespaceGone(f"cannot enter network namespace {self.inode}", "it is gone or not reachable")
        with _open(path) as fd:
            yield fd

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Enter it for the block. Raises NamespaceGone if it is gone or not reachable, MissingCapability."""
        if namespaces.current_inode() == self.inode:
            yield
            return
        with self.opened() as fd, _inside(fd):
            if namespaces.current_cookie() != self.cookie:
                raise NamespaceGone(
                    f"cannot enter network namespace {self.inode}", "it is gone, and its number was reused"
                )
            yield

    def exists(self) -> bool:
        """Return whether it exists and can be entered. Raises MissingCapability."""
        try:
            with self.entered():
                return True
        except NamespaceGone:
            return False


def others() -> Generator[NetnsHandle, None, None]:
    """Enter all other namespaces that can be found, one after the other; the loop's body runs inside.

    Close the generator (contextlib.closing) if the loop may end early. Namespaces without a name and without
    a visible process are not found.
    """
    own = namespaces.current_inode()
    for inode, path in reachable().items():
        if inode == own:
            continue
        with ExitStack() as there:
            try:
                fd = there.enter_context(_open(path))
            except OSError as error:
                if is_transient(error):
                    raise
                continue  # it is gone since it was listed
            there.enter_context(_inside(fd))
            yield NetnsHandle.here()


def named() -> dict[int, Path]:
    """Return the namespaces that have a name (`ip netns`), by inode."""
    try:
        return _namespaces(sorted(_NAMED.iterdir()))
    except FileNotFoundError:
        return {}


def reachable() -> dict[int, Path]:
    """Return the namespaces that have a name or a process, by inode, and the path of each."""
    processes = (folder / "ns" / "net" for folder in _PROC.iterdir() if folder.name.isdecimal())
    return _namespaces(processes) | named()


def _namespaces(paths: Iterable[Path]) -> dict[int, Path]:
    device = _OWN.stat().st_dev
    found: dict[int, Path] = {}
    for path in paths:
        try:
            stat = path.stat()
        except OSError as error:
            if is_transient(error):
                raise
            continue  # the process has ended, or may not be inspected
        if stat.st_dev == device:
            found.setdefault(stat.st_ino, path)
    return found


@contextmanager
def _open(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def _inside(fd: int) -> Iterator[None]:
    with _open(_OWN) as own:
        namespaces.enter_fd(fd, "cannot enter another network namespace")
        try:
            yield
        finally:
            namespaces.enter_fd(own, "cannot return to the original network namespace")
