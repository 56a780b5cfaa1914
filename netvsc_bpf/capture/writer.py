# SPDX-License-Identifier: GPL-2.0-only
"""Frames into a pcapng file."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from netvsc_bpf import __version__
from netvsc_bpf.capture.frame import Sighting
from netvsc_bpf.capture.pcapng import PcapngBlocks
from netvsc_bpf.capture.session import Summary
from netvsc_bpf.model.errors import NetvscBpfError

_STDOUT = 1  # not ours to close


class Writer:
    """Writes frames as they come; what was handed over is in the file when the call returns."""

    def __init__(self, out: BinaryIO, name: str, snaplen: int) -> None:
        self._out, self._name = out, name
        self._blocks = PcapngBlocks(snaplen, f"netvsc-bpf {__version__}")
        self._write(self._blocks.begin())

    @classmethod
    def to_file(cls, path: Path, snaplen: int) -> "Writer":
        """Begin a file anew. Raises NetvscBpfError where it cannot be written."""
        try:
            return cls(path.open("wb"), str(path), snaplen)
        except OSError as error:
            raise _cannot(str(path), error) from error

    def frames(self, frames: Sequence[Sighting]) -> None:
        """Write frames. Raises NetvscBpfError, BrokenPipeError."""
        self._write(b"".join(self._blocks.frame(one) for one in frames))

    def close(self, summary: Summary | None) -> None:
        """Write what the taps took, if the capture came that far, and close the file."""
        now = time.time_ns()
        try:
            if summary is not None:
                taken = (self._blocks.statistics(one, of, now) for one, of in summary.taken)
                self._write(b"".join(taken))
        finally:
            if not self._out.closed and self._out.fileno() != _STDOUT:
                self._out.close()

    def _write(self, data: bytes) -> None:
        try:
            self._out.write(data)
            self._out.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _cannot(self._name, error) from error


def _cannot(name: str, error: OSError) -> NetvscBpfError:
    return NetvscBpfError(f"cannot write {name}", error.strerror or str(error), "choose another file with -w")
