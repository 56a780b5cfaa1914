# SPDX-License-Identifier: GPL-2.0-only
"""The use of tcpdump: compiling filter expressions, and printing frames as text."""

import os
import re
import struct
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from shutil import which

from netvsc_bpf.capture.frame import Sighting
from netvsc_bpf.kernel.net.socket_filter import Instruction
from netvsc_bpf.model.errors import CannotHere, NetvscBpfError, Refused
from netvsc_bpf.model.names import shown
from netvsc_bpf.model.path import Path

_ETHERNET = 1
_NANOSECOND_MAGIC = 0xA1B23C4D
_LONGEST_PATH = len(Path.SYNTHETIC)
_NUMBERED = re.compile(r" *(\d+)  (.*)", re.DOTALL)


def tcpdump() -> str:
    """Return the path of tcpdump. Raises CannotHere if it is not installed."""
    found = which("tcpdump", path="/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin") or which("tcpdump")
    if found is None:
        raise CannotHere(
            "cannot capture",
            "filter expressions and text output need tcpdump, which is not installed",
            "run `apt-get install tcpdump`, or write all frames with -w FILE",
        )
    return found


def compile_filter(interface: str, expression: str, snaplen: int) -> tuple[Instruction, ...]:
    """Compile a filter as libpcap would for this device. Raises Refused for an invalid expression."""
    # With the device named, it can use the kernel's metadata of a frame: VLAN tags, the direction.
    command = [tcpdump(), "-p", "-i", interface, "-s", str(snaplen), "-ddd", "--", expression]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        said = _last_line(os.fsdecode(done.stderr)) or "tcpdump printed no reason"
        raise Refused(f"cannot capture {expression!r}", said, "see pcap-filter(7)")
    _, *lines = done.stdout.split(b"\n")
    return tuple(Instruction(*map(int, line.split())) for line in lines if line)


class Printer:
    """A tcpdump process that prints frames as they come; each line gets its path and interface as prefix.

    A thread passes lines on, so that tcpdump and this process never wait for each other. What ``emit`` raises
    ends tcpdump, and is raised again in the thread that passes in frames.
    """

    def __init__(self, options: Sequence[str], snaplen: int, emit: Callable[[str], None]) -> None:
        self._emit = emit
        self._labels: deque[str] = deque()
        self._shown = 0
        self._width = 0
        self._error: Exception | None = None
        # Not a temporary file: there may be no writable directory.
        self._complaints = os.fdopen(os.memfd_create("tcpdump-stderr", os.MFD_CLOEXEC), "w+b")
        # A process group of its own: Ctrl-C must reach this process only, so that earlier frames are printed.
        self._process = subprocess.Popen(
            [tcpdump(), "-r", "-", "-l", "--number", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            process_group=0,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self._reader = threading.Thread(target=self._read, name="tcpdump-lines", daemon=True)
        self._reader.start()
        self._write(struct.pack("=IHHiIII", _NANOSECOND_MAGIC, 2, 4, 0, 0, snaplen, _ETHERNET))

    def frames(self, frames: Sequence[Sighting]) -> None:
        """Print frames. Raises what ``emit`` raised, NetvscBpfError if tcpdump failed."""
        for one in frames:
            self._width = max(self._width, len(shown(one.interface.name)))
            self._labels.append(label(one, self._width))
            seconds, rest = divmod(one.at, 1_000_000_000)
            self._write(struct.pack("=IIII", seconds, rest, len(one.data), one.length) + one.data)
        self._flush()

    def close(self) -> None:
        """Wait until all is printed. Raises what ``emit`` raised, NetvscBpfError if tcpdump failed."""
        ended, said = self._end()
        if self._error is not None:
            raise self._error
        if ended != 0:
            why = said or f"it ended with status {ended}"
            raise NetvscBpfError("cannot print frames", f"tcpdump: {why}", "write them with -w FILE instead")

    def abandon(self) -> None:
        """End tcpdump at once."""
        self._process.kill()
        self._end()

    def _write(self, data: bytes) -> None:
        with self._failing():
            self._in.write(data)

    def _flush(self) -> None:
        with self._failing():
            self._in.flush()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Raise the reason why tcpdump ended, in place of the broken pipe that it left."""
        try:
            yield
        except BrokenPipeError:
            self.close()
            raise NetvscBpfError(
                "cannot print frames", "tcpdump ended", "write them with -w FILE instead"
            ) from None
        if self._error is not None:
            raise self._error

    def _end(self) -> tuple[int, str]:
        """End tcpdump; return its status and its last error message. Calling it again does nothing."""
        if self._complaints.closed:
            return 0, ""
        with suppress(BrokenPipeError):  # it has ended already; its status says so
            self._in.close()
        self._reader.join()
        self._out.close()
        ended = self._process.wait()
        self._complaints.seek(0)
        said = _last_line(self._complaints.read().decode(errors="replace"))
        self._complaints.close()
        return ended, said

    def _read(self) -> None:
        for raw in self._out:
            line = raw.decode(errors="replace")
            match = _NUMBERED.fullmatch(line)
            # The first line of a frame begins with its number; its other lines are indented.
            if match is not None and int(match[1]) == self._shown + 1 and self._labels:
                self._shown += 1
                line = f"{self._labels.popleft()} {match[2]}"
            try:
                self._emit(line)
            except Exception as error:
                self._error = error
                self._process.kill()
                return


def _last_line(said: str) -> str:
    return said.strip().rpartition("\n")[2].removeprefix("tcpdump: ")


def label(one: Sighting, width: int) -> str:
    """Return path, interface and direction, in columns; ``width`` is that of the longest name. Pure."""
    way = "Out" if one.outgoing else "In"
    return f"{one.interface.path:<{_LONGEST_PATH}} {shown(one.interface.name):<{width}} {way:<3}"
