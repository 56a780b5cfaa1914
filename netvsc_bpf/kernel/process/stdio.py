# SPDX-License-Identifier: GPL-2.0-only
"""Standard output and standard error of this process; only this module writes to them.

Both may be closed, full, slow or without a reader. Python's own streams buffer data that could not be written
and retry when the interpreter ends, which changes the exit status (to 120) and prints a traceback; these
streams do not buffer. Standard output raises typed errors; for standard error there is nowhere to report an
error, so data that cannot be written is lost. A descriptor that was closed becomes /dev/null: otherwise the
next file that is opened would get its number, and output would go there.
"""

import errno
import io
import os
import select
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.names import shown

STDOUT, STDERR = 1, 2
PATIENCE_S = 5.0
"""How long a message waits for space in a pipe that is not read."""
_HURRY_S = 1.0
_LOOK_S = 0.1


class OutputLost(NetvscBpfError):
    """Output could not be written: the disk is full, or the reader does not read."""


class ReaderGone(Exception):
    """The reader of standard output has closed it, as `head` does. This is not an error."""


class Writer:
    """Writes to a descriptor, waiting for space up to `patience_s` seconds; None: without limit.

    While `hurried` returns true it waits a second at most.
    """

    def __init__(self, fd: int, patience_s: float | None = None) -> None:
        self.fd, self.patience_s = fd, patience_s
        self.hurried: Callable[[], bool] = lambda: False
        # A pipe that polls as writable takes PIPE_BUF bytes without blocking (pipe(7)). A file always does.
        self._most = 1 << 30 if _is_file(fd) else select.PIPE_BUF

    def write(self, data: bytes | memoryview) -> None:
        """Write all of it. Raises OSError; TimeoutError if there was no space in time."""
        left = memoryview(data)
        while left:
            self._wait_for_room()
            try:
                left = left[os.write(self.fd, left[: self._most]) :]
            except BlockingIOError:  # it is non-blocking, and another process took the space first
                continue

    def _wait_for_room(self) -> None:
        ready, begun, hurried_at = select.poll(), time.monotonic(), None
        ready.register(self.fd, select.POLLOUT)
        while not ready.poll(_LOOK_S * 1000):
            now = time.monotonic()
            if hurried_at is None and self.hurried():
                hurried_at = now
            late = self.patience_s is not None and now - begun >= self.patience_s
            if late or (hurried_at is not None and now - hurried_at >= _HURRY_S):
                raise TimeoutError(errno.ETIMEDOUT, "it is not read")


class _Raw(io.RawIOBase):
    """The unbuffered binary stream below a text stream."""

    def __init__(self, fd: int, patience_s: float | None, name: str) -> None:
        self.writer, self.name = Writer(fd, patience_s), name

    def fileno(self) -> int:
        """See io.RawIOBase."""
        return self.writer.fd

    def isatty(self) -> bool:
        """See io.RawIOBase."""
        return os.isatty(self.writer.fd)

    def writable(self) -> bool:
        """See io.RawIOBase."""
        return True


class Stdout(_Raw):
    """Standard output. Raises OutputLost and ReaderGone, except within best_effort()."""

    def __init__(self) -> None:
        super().__init__(STDOUT, None, "<stdout>")
        self._beside = self._given_up = False

    def write(self, data: Any) -> int:
        """Write all of it."""
        if not self._given_up:
            try:
                self.writer.write(data)
            except OSError as error:
                self._failed(error)
        return len(data)

    @contextmanager
    def best_effort(self) -> Iterator[None]:
        """Report lost output in the block once, on stderr, instead of raising."""
        self._beside, self.writer.patience_s = True, PATIENCE_S
        try:
            yield
        finally:
            self._beside, self.writer.patience_s = False, None

    def _failed(self, error: OSError) -> None:
        gone = error.errno in (errno.EPIPE, errno.ECONNRESET) or (error.errno == errno.EIO and self.isatty())
        if self._beside:
            self._given_up = True
            if not gone:
                say(str(_lost(error)))
        elif gone:
            raise ReaderGone from error
        else:
            raise _lost(error) from error


class Stderr(_Raw):
    """Standard error. Never raises; after one timeout, later output that would block is lost at once."""

    def __init__(self) -> None:
        super().__init__(STDERR, PATIENCE_S, "<stderr>")

    def write(self, data: Any) -> int:
        """Write all of it, or as much as there is space for."""
        try:
            self.writer.write(data)
        except TimeoutError:
            self.writer.patience_s = 0.0
        except OSError:
            pass  # There is nowhere to report it: errors are reported here.
        return len(data)


def take_over() -> None:
    """Replace sys.stdout and sys.stderr by these streams, and open descriptors 0 to 2 that are closed."""
    for fd in range(3):
        _open_if_closed(fd)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # stays open for the life of the process
    sys.stdout, sys.stderr = _text(Stdout(), sys.stdout), _text(Stderr(), sys.stderr)


def stdout() -> Stdout | None:
    """Return the standard output set by take_over(); None if it was replaced."""
    raw = getattr(sys.stdout, "buffer", None)
    return raw if isinstance(raw, Stdout) else None


def say(text: str) -> None:
    """Print one message on stderr, prefixed with the program's name, with names escaped (names.shown())."""
    print(shown(f"netvsc-bpf: {text}"), file=sys.stderr, flush=True)


def reader_is_gone() -> bool:
    """Return whether standard output is a pipe without a reader, without writing to it."""
    state = select.poll()
    state.register(STDOUT, 0)
    return any(happened & select.POLLERR for _, happened in state.poll(0))


def _lost(error: OSError) -> OutputLost:
    return OutputLost("cannot write to standard output", (error.strerror or str(error)).lower())


def _text(raw: _Raw, before: Any) -> io.TextIOWrapper:
    encoding = getattr(before, "encoding", None) or "utf-8"
    # Never UnicodeEncodeError: characters that cannot be encoded are escaped.
    return io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace", write_through=True)


def _open_if_closed(fd: int) -> None:
    try:
        os.fstat(fd)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != fd:
            os.dup2(opened, fd)
            os.close(opened)
        os.set_inheritable(fd, True)


def _is_file(fd: int) -> bool:
    return stat.S_ISREG(os.fstat(fd).st_mode)
