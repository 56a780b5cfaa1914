# SPDX-License-Identifier: GPL-2.0-only
"""What we leave to tcpdump: compiling a filter expression, and putting frames into words."""

import os
import re
import struct
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from shutil import which

from netvsc_bpf.capture.frame import Sighting
from netvsc_bpf.kernel.packet_ring import Instruction
from netvsc_bpf.model.errors import CannotHere, NetvscBpfError, Refused
from netvsc_bpf.model.names import shown
from netvsc_bpf.model.path import Path

_ETHERNET = 1
_NANOSECOND_MAGIC = 0xA1B23C4D
_LONGEST_PATH = len(Path.SYNTHETIC)
_NUMBERED = re.compile(r" *(\d+)  (.*)", re.DOTALL)


def tcpdump() -> str:
    """Return where tcpdump is. Raises CannotHere where it is not."""
    found = which("tcpdump", path="/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin") or which("tcpdump")
    if found is None:
        raise CannotHere(
            "cannot capture as asked",
            "filter expressions and text output are tcpdump's, which is not installed",
            "apt-get install tcpdump, or write everything with -w FILE",
        )
    return found


def compile_filter(interface: str, expression: str, snaplen: int) -> tuple[Instruction, ...]:
    """Compile a filter as libpcap would for this device. Raises Refused for an expression that is none."""
    # With the device named it uses what the kernel keeps beside a frame: VLAN tags, the direction.
    command = [tcpdump(), "-p", "-i", interface, "-s", str(snaplen), "-ddd", "--", expression]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        said = os.fsdecode(done.stderr).strip().split("\n") or ["it said nothing"]
        raise Refused(
            f"cannot capture {expression!r}", said[-1].removeprefix("tcpdump: "), "see pcap-filter(7)"
        )
    _, *lines = done.stdout.split(b"\n")
    return tuple(Instruction(*map(int, line.split())) for line in lines if line)


class Printer:
    """A tcpdump that prints frames as they come; each line is handed on behind its path and interface."""

    def __init__(self, options: Sequence[str], snaplen: int, emit: Callable[[str], None]) -> None:
        self._emit = emit
        self._labels: deque[str] = deque()
        self._shown = 0
        self._width = 0
        self._broken = False
        # Not a temporary file: there may be no folder that takes one.
        self._complaints = os.fdopen(os.memfd_create("tcpdump-stderr", os.MFD_CLOEXEC), "w+b")
        # A process group of its own: Ctrl-C is for us, and what came before it is still printed.
        self._process = subprocess.Popen(
            [tcpdump(), "-r", "-", "-l", "--number", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            process_group=0,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self._in.write(struct.pack("=IHHiIII", _NANOSECOND_MAGIC, 2, 4, 0, 0, snaplen, _ETHERNET))
        self._reader = threading.Thread(target=self._read, name="tcpdump-lines")
        self._reader.start()

    def frames(self, frames: Sequence[Sighting]) -> None:
        """Print frames. Raises BrokenPipeError where nobody reads them any more."""
        for one in frames:
            self._width = max(self._width, len(shown(one.interface.name)))
            self._labels.append(label(one, self._width))
            seconds, rest = divmod(one.at, 1_000_000_000)
            self._in.write(struct.pack("=IIII", seconds, rest, len(one.data), one.length) + one.data)
        self._in.flush()
        if self._broken:
            raise BrokenPipeError

    def close(self) -> None:
        """Wait until everything is printed. Raises NetvscBpfError where tcpdump failed."""
        with suppress(BrokenPipeError):  # it has ended already, and why is told below
            self._in.close()
        self._reader.join()
        self._out.close()
        ended = self._process.wait()
        self._complaints.seek(0)
        said = self._complaints.read().decode(errors="replace").strip().split("\n")
        self._complaints.close()
        if ended != 0 and not self._broken:
            why = said[-1].removeprefix("tcpdump: ") if said else f"it ended with status {ended}"
            raise NetvscBpfError("cannot print frames", f"tcpdump: {why}", "write them with -w FILE instead")

    def _read(self) -> None:
        for raw in self._out:
            line = raw.decode(errors="replace")
            match = _NUMBERED.fullmatch(line)
            # The first line of a frame carries its number; what follows of it is indented.
            if match is not None and int(match[1]) == self._shown + 1 and self._labels:
                self._shown += 1
                line = f"{self._labels.popleft()} {match[2]}"
            try:
                self._emit(line)
            except BrokenPipeError:
                self._broken = True
                self._process.kill()
                return


def label(one: Sighting, width: int) -> str:
    """Return path, interface and direction, in columns; ``width`` is that of the longest name. Pure."""
    way = "Out" if one.outgoing else "In"
    return f"{one.interface.path:<{_LONGEST_PATH}} {shown(one.interface.name):<{width}} {way:<3}"
