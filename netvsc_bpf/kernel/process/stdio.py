# SPDX-License-Identifier: GPL-2.0-only
"""Standard output and standard error of this process: the one place that writes to them.

Both may be closed, full, slow or without a reader. Python's own streams keep what could not be written and
try again when the interpreter ends, which changes the exit status (to 120) and prints a traceback; these keep
nothing. Standard output raises typed errors; standard error has nowhere to report an error, so what it cannot
take is lost. A descriptor that was closed becomes /dev/null: the next file that is opened would get its
number, and what is printed would go there.
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
"""How long a message waits for room in a pipe that nobody empties."""
_HURRY_S = 1.0
_LOOK_S = 0.1


class OutputLost(NetvscBpfError):
    """What was printed did not arrive: the disk is full, or nobody reads."""


class ReaderGone(Exception):
    """The reader of standard output went away, as `head` does: an end like any other."""


class Writer:
    """Writes to a descriptor, waiting for room as long as `patience_s` allows; None: as long as it takes.

    While `hurried` returns true it waits a second at most.
    """

    def __init__(self, fd: int, patience_s: float | None = None) -> None:
        self.fd, self.patience_s = fd, patience_s
        self.hurried: Callable[[], bool] = lambda: False
        # A pipe with room takes PIPE_BUF bytes without blocking (pipe(7)). A file is always ready.
        self._most = 1 << 30 if _is_file(fd) else select.PIPE_BUF

    def write(self, data: bytes | memoryview) -> None:
        """Write all of it. Raises OSError; TimeoutError where there was no room in time."""
        left = memoryview(data)
        while left:
            self._wait_for_room()
            try:
                left = left[os.write(self.fd, left[: self._most]) :]
            except BlockingIOError:  # somebody made it non-blocking, and took the room before us
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
                raise TimeoutError(errno.ETIMEDOUT, "nobody reads it")


class _Raw(io.RawIOBase):
    """The binary stream below a text stream; it has no buffer."""

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
        """Within the block lost output is reported once, on stderr, and ends nothing."""
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
    """Standard error. Never raises; once nobody has read for a while, what follows is lost at once."""

    def __init__(self) -> None:
        super().__init__(STDERR, PATIENCE_S, "<stderr>")

    def write(self, data: Any) -> int:
        """Write all of it, or as much as there is room for."""
        try:
            self.writer.write(data)
        except TimeoutError:
            self.writer.patience_s = 0.0
        except OSError:
            pass  # There is nowhere to report it: this is where errors are reported.
        return len(data)


def take_over() -> None:
    """Make sys.stdout and sys.stderr these streams, and open what was closed."""
    for fd in range(3):
        _open_if_closed(fd)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # as long as the process
    sys.stdout, sys.stderr = _text(Stdout(), sys.stdout), _text(Stderr(), sys.stderr)


def stdout() -> Stdout | None:
    """Return standard output as take_over() made it; None where something else is in its place."""
    raw = getattr(sys.stdout, "buffer", None)
    return raw if isinstance(raw, Stdout) else None


def say(text: str) -> None:
    """Print one message on stderr, behind the name of the program, with names escaped (names.shown())."""
    print(shown(f"netvsc-bpf: {text}"), file=sys.stderr, flush=True)


def reader_is_gone() -> bool:
    """Say whether standard output is a pipe without a reader: there may be nothing to write to find out."""
    state = select.poll()
    state.register(STDOUT, 0)
    return any(happened & select.POLLERR for _, happened in state.poll(0))


def _lost(error: OSError) -> OutputLost:
    return OutputLost("cannot write to standard output", (error.strerror or str(error)).lower())


def _text(raw: _Raw, before: Any) -> io.TextIOWrapper:
    encoding = getattr(before, "encoding", None) or "utf-8"
    # Never UnicodeEncodeError: what a terminal cannot show is escaped.
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
