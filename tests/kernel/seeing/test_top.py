# SPDX-License-Identifier: GPL-2.0-only
"""`top` and `status` for people, on a real pair with traffic, without a manager."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpPlan, UdpStream
from tests.kernel.support.attachment import attached
from tests.kernel.support.waiting import eventually

Cli = Callable[..., subprocess.CompletedProcess[str]]
ROW = re.compile(
    r"^ eth0 +(?P<path>\S+) +(?P<tx_vf>\S+) +(?P<tx_syn>\S+) +(?P<rx_vf>\S+) +(?P<rx_syn>\S+) +\d", re.M
)


def test_top_shows_rates_on_the_path_that_is_taken(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    plan = UdpPlan(lab.guest, lab.peer, lab.plan.pair(0).peer_address, rate=500)
    with attached(lab), UdpStream(plan):
        on_vf = netvsc_bpf_cli("top", "--once", "--interval", "0.5")
        lab.vf_down()
        on_synthetic = netvsc_bpf_cli("top", "--count", "2", "--interval", "0.5")
    assert (on_vf.returncode, on_vf.stderr) == (0, "")
    (row,) = ROW.finditer(on_vf.stdout)
    assert row["path"] == "vf" and row["tx_vf"].endswith("k") and row["tx_syn"] == "0"
    first, second = ROW.finditer(on_synthetic.stdout)
    assert first["path"] == second["path"] == "synthetic"
    assert second["tx_syn"].endswith("k") and second["tx_vf"] == "0"
    assert "\x1b" not in on_vf.stdout + on_synthetic.stdout


def test_top_of_an_interface_that_is_not_attached_is_refused(netvsc_bpf_cli: Cli) -> None:
    result = netvsc_bpf_cli("top", "eth0", "--once")
    assert (result.returncode, result.stdout) == (3, "")
    assert "it is not attached" in result.stderr


def test_q_ends_top_and_leaves_the_terminal_as_it_was(lab: Lab) -> None:
    near, far = pty.openpty()
    command = [sys.executable, "-m", "netvsc_bpf.cli.main", "--netns", lab.guest, "top", "--interval", "0.1"]
    seen = bytearray()

    def shows(text: bytes) -> bool:
        seen.extend(os.read(near, 65536))
        return text in seen

    with attached(lab):
        shown = subprocess.Popen(
            command, stdin=far, stdout=far, stderr=far, env={**os.environ, "TERM": "xterm", "COLUMNS": "80"}
        )
        os.close(far)
        try:
            eventually("top shows the pair", lambda: shows(b"eth0"))
            eventually("top says how to leave it", lambda: shows(b"q quits"))
            os.write(near, b"q")
            eventually("the alternate screen is left", lambda: shows(b"\x1b[?1049l"))
            assert shown.wait() == 0
        finally:
            shown.kill()
            shown.wait()
            os.close(near)


def test_s62_status_says_in_words_why_and_since_when(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    with attached(lab):
        lab.vf_down()
        unnoticed = netvsc_bpf_cli("status").stdout
        lab.run(lab.guest, ["ping", "-c1", "-W5", lab.plan.pair(0).peer_address])
        text = netvsc_bpf_cli("status").stdout
    # The kernel of the guest sends now and then by itself; then it has been noticed.
    assert re.search(r"On the synthetic path (from the next packet on|since )", unnoticed)
    assert re.search(
        r"On the synthetic path since [-0-9]+ [-+:0-9]+ \(\d+ s\)\n +Why: vf0 is administratively down",
        text,
    )
    assert "-> `ip link set dev vf0 up`" in text
