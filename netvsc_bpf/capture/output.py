# SPDX-License-Identifier: GPL-2.0-only
"""Where frames go: text by tcpdump, or a pcapng file."""

from collections.abc import Callable, Sequence
from pathlib import Path

from netvsc_bpf.capture.frame import Sighting
from netvsc_bpf.capture.session import Summary
from netvsc_bpf.capture.tcpdump import Printer, tcpdump
from netvsc_bpf.capture.writer import Writer


class Output:
    """Begun only when a capture is under way, so that a capture that is refused leaves no file.

    ``file`` is None for text, which ``emit`` gets line by line, and "-" for pcapng on stdout; ``flags`` are
    tcpdump's, for text. ``stopped`` says when not to wait for a reader any more. Raises CannotHere where
    there is no tcpdump for text.
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
            tcpdump()  # a missing one is told before anything begins
        self._file, self._snaplen, self._flags = file, snaplen, flags
        self._emit, self._stopped = emit, stopped
        self._sink: Printer | Writer | None = None

    def begin(self) -> None:
        """Open what is written to. Raises NetvscBpfError where a file cannot be."""
        if self._file is None:
            self._sink = Printer(self._flags, self._snaplen, self._emit)
        elif self._file == "-":
            self._sink = Writer.to_stdout(self._snaplen)
        else:
            self._sink = Writer.to_file(Path(self._file), self._snaplen, self._stopped)

    def frames(self, frames: Sequence[Sighting]) -> None:
        """Hand frames on. Raises NetvscBpfError, ReaderGone."""
        assert self._sink is not None, "not begun"
        self._sink.frames(frames)

    def close(self, summary: Summary) -> None:
        """Finish what was begun. Raises NetvscBpfError, ReaderGone."""
        if isinstance(self._sink, Printer):
            self._sink.close()
        elif self._sink is not None:
            self._sink.close(summary)

    def abandon(self) -> None:
        """End what was begun, after an error: what has not been written is lost."""
        if isinstance(self._sink, Printer):
            self._sink.abandon()
        elif self._sink is not None:
            self._sink.close(None)
