# SPDX-License-Identifier: GPL-2.0-only
"""Output of frames: text by tcpdump, or a pcapng file."""

from collections.abc import Callable, Sequence
from pathlib import Path

from netvsc_bpf.capture.frame import Sighting
from netvsc_bpf.capture.session import Summary
from netvsc_bpf.capture.tcpdump import Printer, tcpdump
from netvsc_bpf.capture.writer import Writer


class Output:
    """Opened only once a capture is under way, so that a refused capture leaves no file.

    ``file`` is None for text, which is passed to ``emit`` line by line, and "-" for pcapng on stdout;
    ``flags`` are tcpdump's, for text. ``stopped`` returns True once a reader is not waited for any more.
    Raises CannotHere if text is wanted and tcpdump is missing.
    """

    def __init__(
        self,
        file: str | None,
        snaplen: int,
        flags: Sequence[str],
        emit: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> None:
        if file is None:
            tcpdump()  # report a missing tcpdump before anything begins
        self._file, self._snaplen, self._flags = file, snaplen, flags
        self._emit, self._stopped = emit, stopped
        self._sink: Printer | Writer | None = None

    def begin(self) -> None:
        """Open the output. Raises NetvscBpfError if a file cannot be opened."""
        if self._file is None:
            self._sink = Printer(self._flags, self._snaplen, self._emit)
        elif self._file == "-":
            self._sink = Writer.to_stdout(self._snaplen)
        else:
            self._sink = Writer.to_file(Path(self._file), self._snaplen, self._stopped)

    def frames(self, frames: Sequence[Sighting]) -> None:
        """Write frames. Raises NetvscBpfError, ReaderGone."""
        assert self._sink is not None, "not begun"
        self._sink.frames(frames)

    def close(self, summary: Summary) -> None:
        """Finish the output. Raises NetvscBpfError, ReaderGone."""
        if isinstance(self._sink, Printer):
            self._sink.close()
        elif self._sink is not None:
            self._sink.close(summary)

    def abandon(self) -> None:
        """Close the output after an error: what has not been written is lost."""
        if isinstance(self._sink, Printer):
            self._sink.abandon()
        elif self._sink is not None:
            self._sink.close(None)
