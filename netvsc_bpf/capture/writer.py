# SPDX-License-Identifier: GPL-2.0-only
"""Writing frames into a pcapng file."""

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from netvsc_bpf import __version__
from netvsc_bpf.capture.frame import Sighting
from netvsc_bpf.capture.pcapng import PcapngBlocks
from netvsc_bpf.capture.session import Summary
from netvsc_bpf.kernel.process import stdio
from netvsc_bpf.kernel.process.stdio import ReaderGone
from netvsc_bpf.model.errors import NetvscBpfError

_LOOK_S = 0.1


class Writer:
    """Writes frames as they come; they are in the file when the call returns."""

    def __init__(
        self, write: Callable[[bytes], object], close: Callable[[], None], name: str, snaplen: int
    ) -> None:
        self._out, self._close, self._name = write, close, name
        self._blocks = PcapngBlocks(snaplen, f"netvsc-bpf {__version__}")
        self._write(self._blocks.begin())

    @classmethod
    def to_stdout(cls, snaplen: int) -> Self:
        """Begin on standard output, which stays open. Raises OutputLost, ReaderGone."""
        return cls(sys.stdout.buffer.write, lambda: None, "stdout", snaplen)

    @classmethod
    def to_file(cls, path: Path, snaplen: int, stopped: Callable[[], bool]) -> Self:
        """Create or truncate a file; wait for the reader of a named pipe until `stopped`.

        Raises NetvscBpfError if it cannot be written, ReaderGone.
        """
        try:
            fd = _open(path, stopped)
        except OSError as error:
            raise _cannot(str(path), error) from error
        out = stdio.Writer(fd)
        out.hurried = stopped
        try:
            return cls(out.write, lambda: os.close(fd), str(path), snaplen)
        except BaseException:
            os.close(fd)
            raise

    def frames(self, frames: Sequence[Sighting]) -> None:
        """Write frames. Raises NetvscBpfError, ReaderGone."""
        self._write(b"".join(self._blocks.frame(one) for one in frames))

    def close(self, summary: Summary | None) -> None:
        """Write the statistics of the taps, if there are any, and close the file."""
        now = time.time_ns()
        try:
            if summary is not None:
                taken = (self._blocks.statistics(one, of, now) for one, of in summary.taken)
                self._write(b"".join(taken))
        finally:
            self._close()

    def _write(self, data: bytes) -> None:
        try:
            self._out(data)
        except BrokenPipeError as error:
            raise ReaderGone from error
        except OSError as error:
            raise _cannot(self._name, error) from error


def _open(path: Path, stopped: Callable[[], bool]) -> int:
    """Open a file for writing; without O_NONBLOCK opening a named pipe would block and ignore signals."""
    while True:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NONBLOCK
            return os.open(path, flags, 0o666)
        except OSError as error:
            if error.errno != errno.ENXIO or not stat.S_ISFIFO(path.stat().st_mode):
                raise
        if stopped():
            raise ReaderGone
        time.sleep(_LOOK_S)


def _cannot(name: str, error: OSError) -> NetvscBpfError:
    return NetvscBpfError(f"cannot write {name}", error.strerror or str(error), "choose another file with -w")
