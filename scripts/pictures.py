# SPDX-License-Identifier: GPL-2.0-only
"""Draws docs/pictures/*.svg: real output of the commands at a terminal of 80 columns, in a lab with traffic.

Run by `make pictures`, as root.
"""

import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from contextlib import ExitStack
from fcntl import ioctl
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpPlan, UdpStream

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
COLUMNS, ROWS = 80, 50
CHARACTER = 12.2  # width of one in rich's drawing
PROGRAM = (sys.executable, "-m", "netvsc_bpf.cli.main")
# The usual sixteen colours, adjusted for a dark background.
THEME = TerminalTheme(
    (24, 26, 31),
    (212, 215, 220),
    [
        *((60, 64, 72), (224, 108, 117), (126, 198, 120), (229, 192, 123)),
        *((97, 175, 239), (198, 120, 221), (86, 182, 194), (212, 215, 220)),
    ],
)
FONT_FACE = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""rich would load the font from a web site; any monospaced font will do."""


INDENTED = re.compile(
    r'x="(?P<x>[\d.]+)"(?P<y> y="[\d.]+") textLength="(?P<length>[\d.]+)"(?P<rest>[^>]*)>'
    r"(?P<blanks>(?:&#160;)+)(?!<)"
)
"""Some renderers drop blanks at the beginning of an element."""


def main() -> None:
    """Build a lab with two pairs, one of them with a problem, and draw."""
    enter_sandbox()
    PICTURES.mkdir(exist_ok=True)
    with ExitStack() as undo:
        lab = undo.enter_context(Lab(LabPlan(pairs=2)))
        for number in range(2):
            run(lab, "attach", f"eth{number}", "--vf", f"vf{number}")
        undo.callback(run, lab, "detach", "--all")
        lab.vf_carrier(False, 1)
        for number, rate in ((0, 2000), (1, 400)):
            pair = lab.plan.pair(number)
            undo.enter_context(UdpStream(UdpPlan(lab.guest, lab.peer, pair.peer_address, rate, size=1200)))
            undo.enter_context(UdpStream(UdpPlan(lab.peer, lab.guest, pair.address, rate // 2, size=600)))
        time.sleep(3)
        draw(lab, "top", "--once")
        draw(lab, "status")
        lab.run(lab.guest, ["ip", "address", "add", "198.51.100.7/24", "dev", "vf1"])
        lab.run(lab.guest, ["tc", "qdisc", "add", "dev", "eth0", "root", "htb"])
        draw(lab, "doctor")


def run(lab: Lab, *args: str) -> None:
    """Run the command on the lab's guest."""
    subprocess.run([*PROGRAM, "--netns", lab.guest, *args], check=True, stdout=subprocess.DEVNULL)


def draw(lab: Lab, command: str, *args: str) -> None:
    """Run a command at a terminal of its own, and draw its final output."""
    shown = at_a_terminal([*PROGRAM, "--netns", lab.guest, command, *args])
    release = os.uname().release
    shown = shown.replace(release, release.split("-")[0])  # leave out the local part of the version
    text = Text.from_ansi("\n".join(line.rstrip() for line in shown.splitlines()))
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(text, no_wrap=True, overflow="ignore", crop=False)
        svg = console.export_svg(
            title=" ".join(("netvsc-bpf", command, *args)), theme=THEME, unique_id=f"netvsc-bpf-{command}"
        )
    (PICTURES / f"{command}.svg").write_text(INDENTED.sub(moved, FONT_FACE.sub("", svg)))


def moved(match: re.Match[str]) -> str:
    """Position a text by coordinates instead of leading blanks."""
    indent = len(match["blanks"]) // len("&#160;") * CHARACTER
    x, length = float(match["x"]) + indent, float(match["length"]) - indent
    return f'x="{x:.1f}"{match["y"]} textLength="{length:.1f}"{match["rest"]}>'


def at_a_terminal(command: list[str]) -> str:
    """Return everything that a command writes to a terminal of 80 columns."""
    near, far = pty.openpty()
    ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    process = subprocess.Popen(command, stdin=far, stdout=far, stderr=far, env=env)
    os.close(far)
    said = bytearray()
    while True:
        try:
            part = os.read(near, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not part:
            break
        said += part
    process.wait()
    os.close(near)
    return said.decode().replace("\r\n", "\n")


if __name__ == "__main__":
    main()
