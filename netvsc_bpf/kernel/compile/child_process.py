# SPDX-License-Identifier: GPL-2.0-only
"""The compile child as its parent sees it: started early, asked once.

Much of what the child does needs no request: it starts, and imports bcc. A command that expects to need it
starts it first, and does its own imports meanwhile; there is more time for that while the child compiles.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.compile import child_environment, compile_cache
from netvsc_bpf.kernel.process import namespaces

TIME_LIMIT_S = 120.0
"""Compiling takes 0.2 s on a fast machine; a guest under software emulation needs a hundred times as long."""
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Died:
    """A child that did not answer: its exit status, and what it wrote to stdout and stderr."""

    status: int
    output: str


class CompileChild:
    """A child that waits for one request. The end of the block ends a child that was not asked."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Start it. `meanwhile` is called while it works on its request."""
        self._meanwhile = meanwhile
        self._output = os.memfd_create("netvsc-bpf-compiler", os.MFD_CLOEXEC)
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                child_environment.command(),
                stdin=theirs.fileno(),
                stdout=self._output,
                stderr=self._output,
                env=child_environment.ENVIRONMENT,
                cwd=child_environment.FOLDER,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child, whatever it is doing. May be called more than once."""
        if self._output < 0:
            return
        self._socket.close()
        self._process.kill()
        self._process.wait()
        os.close(self._output)
        self._output = -1

    def ask(self, request: str) -> bytes | Died:
        """Send the request; return the answer. Raises TimeoutError after TIME_LIMIT_S."""
        deadline = time.monotonic() + TIME_LIMIT_S
        with suppress(BrokenPipeError, ConnectionResetError):  # it died: its output says why
            self._socket.sendall(request.encode())
            self._socket.shutdown(socket.SHUT_WR)
            self._meanwhile()
        answer = b"".join(self._received_until(deadline))
        return answer or Died(self._process.wait(), self._written())

    def _received_until(self, deadline: float) -> Iterator[bytes]:
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                chunk = self._socket.recv(_CHUNK)
            except ConnectionResetError:
                return
            except TimeoutError:
                break
            if not chunk:
                return
            yield chunk
        raise TimeoutError(f"the compiler timed out after {TIME_LIMIT_S:.0f} s")

    def _written(self) -> str:
        with os.fdopen(os.dup(self._output), "rb") as written:
            written.seek(0)
            return written.read().decode(errors="replace")


@contextmanager
def started_early(meanwhile: Callable[[], None] = lambda: None) -> Iterator[CompileChild | None]:
    """Start a child if this thread's network namespace has no programs and the cache is empty.

    Otherwise give None. This is a guess, for speed: an attach that is given None starts a child when it needs
    one.
    """
    has_programs = NetnsPins(namespaces.current_inode()).object.exists
    if os.geteuid() != 0 or compile_cache.has_entries() or has_programs():
        yield None
        return
    with CompileChild(meanwhile) as child:
        yield child
