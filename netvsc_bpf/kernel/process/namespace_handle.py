# SPDX-License-Identifier: GPL-2.0-only
"""Network namespaces other than our own: known by number, entered for a moment, never held.

A descriptor, a socket or a thread in a namespace keeps it alive; one that its owner deleted would live on in
us, with the physical NICs that should go back to the machine. So nothing of it is kept between two visits.
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
    """One network namespace: the inode of /proc/<pid>/ns/net, and the cookie that is never given twice."""

    inode: int
    cookie: int

    @classmethod
    def here(cls) -> Self:
        """Return this thread's."""
        return cls(namespaces.current_inode(), namespaces.current_cookie())

    @property
    def name(self) -> str:
        """What `ip netns` calls it, or its number where it has no name."""
        path = named().get(self.inode)
        return f"namespace {self.inode}" if path is None else path.name

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Give a descriptor of it, for a moment. Raises NamespaceGone where it is gone or out of reach."""
        path = reachable().get(self.inode)
        if path is None:
            raise NamespaceGone(f"cannot enter network namespace {self.inode}", "it is gone, or out of reach")
        with _open(path) as fd:
            yield fd

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be in it for a moment. Raises NamespaceGone where it is gone or out of reach, MissingCapability."""
        if namespaces.current_inode() == self.inode:
            yield
            return
        with self.opened() as fd, _inside(fd):
            if namespaces.current_cookie() != self.cookie:
                raise NamespaceGone(f"cannot enter network namespace {self.inode}", "it is another one now")
            yield

    def exists(self) -> bool:
        """Tell whether it is there and can be entered. Raises MissingCapability."""
        try:
            with self.entered():
                return True
        except NamespaceGone:
            return False


def others() -> Generator[NetnsHandle, None, None]:
    """Enter one after the other all namespaces that can be found; the loop's body runs inside of it.

    Close it (contextlib.closing) where the loop may end early. Those without a name and without a process
    that we can see are not found.
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
                continue  # it went meanwhile
            there.enter_context(_inside(fd))
            yield NetnsHandle.here()


def named() -> dict[int, Path]:
    """Return the namespaces that have a name (`ip netns`), by inode."""
    try:
        return _namespaces(sorted(_NAMED.iterdir()))
    except FileNotFoundError:
        return {}


def reachable() -> dict[int, Path]:
    """Return the namespaces that a name or a process leads to, by inode, and what leads there."""
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
            continue  # the process ended, or is not ours to look at
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
            namespaces.enter_fd(own, "cannot return to our own network namespace")
