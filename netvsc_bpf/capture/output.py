# SPDX-License-Identifier: GPL-2.0-only
"""Where frames go: text by tcpdump, or a pcapng file."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from netvsc_bpf.capture.frame import Sighting
from netvsc_bpf.capture.session import Summary
from netvsc_bpf.capture.tcpdump import Printer, tcpdump
from netvsc_bpf.capture.writer import Writer


class Output:
    """Begun only when a capture is under way, so that a capture that is refused leaves no file.

    ``file`` is None for text, which ``emit`` gets line by line, and "-" for pcapng on stdout; ``flags`` are
    tcpdump's, for text. Raises CannotHere where there is no tcpdump for text.
    """

    def __init__(
        self, file: str | None, snaplen: int, flags: Sequence[str], emit: Callable[[str], None]
    ) -> None:
        if file is None:
            tcpdump()  # a missing one is told before anything begins
        self._file, self._snaplen, self._flags, self._emit = file, snaplen, flags, emit
        self._printer: Printer | None = None
        self._writer: Writer | None = None

    def begin(self) -> None:
        """Open what is written to. Raises NetvscBpfError where a file cannot be."""
        if self._file is None:
            self._printer = Printer(self._flags, self._snaplen, self._emit)
        elif self._file == "-":
            self._writer = Writer(sys.stdout.buffer, "stdout", self._snaplen)
        else:
            self._writer = Writer.to_file(Path(self._file), self._snaplen)

    def frames(self, frames: Sequence[Sighting]) -> None:
        """Hand frames on. Raises NetvscBpfError, BrokenPipeError."""
        sink = self._printer if self._writer is None else self._writer
        assert sink is not None, "not begun"
        sink.frames(frames)

    def close(self, summary: Summary | None) -> None:
        """Finish what was begun; without a summary the capture came to nothing."""
        if self._printer is not None:
            self._printer.close()
        if self._writer is not None:
            self._writer.close(summary)
