# SPDX-License-Identifier: GPL-2.0-only
"""One capture of both paths: numbered frames, each there exactly once, on the wire that it was on."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path as File

import pytest

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpPlan, UdpStream
from netvsc_bpf.model.path import GuardMode, Path
from tests.kernel.conftest import LabFactory
from tests.kernel.support.attachment import Attachment, attached
from tests.kernel.support.capturing import EACH, FAR, Numbered, capturing, numbered
from tests.kernel.support.devices import NO_FABRIC, silence
from tests.kernel.support.frames import GUEST_MAC, Tap, ethernet, send, tagged
from tests.kernel.support.manager import managers
from tests.kernel.support.waiting import eventually
from tests.unit.capture.pcapng_reader import read

Cli = Callable[..., subprocess.CompletedProcess[str]]


def settle(pair: Attachment, path: Path) -> None:
    """The path is what it is by the next packet."""
    eventually(f"the path is {path}", lambda: pair.steer() is path)


def test_s47_each_frame_once_on_both_paths_across_a_switch_a_removal_and_the_return(
    lab_factory: LabFactory, tmp_path: File
) -> None:
    lab, file = lab_factory(NO_FABRIC), tmp_path / "both.pcapng"
    silence(lab)
    frames = Numbered(lab)
    # Guard would drop what comes by the synthetic NIC while the VF delivers to the same station.
    options = {"settle_ms": 10, "guard": GuardMode.OFF}
    with attached(lab, **options) as pair, capturing(lab, "-w", str(file)) as running:
        settle(pair, Path.VF)
        frames.out("vf0")
        frames.come_in("vf0", "vf0")
        frames.come_in("syn0", "eth0")
        lab.vf_down()
        frames.out("eth0")
        frames.come_in("syn0", "eth0")
        lab.vf_up()
        settle(pair, Path.VF)
        frames.out("vf0")
        lab.unplug_vf()
        frames.out("eth0")
        frames.come_in("syn0", "eth0")
        lab.plug_vf()
        running.listens(2)
        pair.attach(settle_ms=10)
        settle(pair, Path.VF)
        frames.out("vf0")
        frames.come_in("vf0", "vf0")
        running.end()
    seen = numbered(file.read_bytes())
    assert Counter(seen) == Counter(frames.expected)
    assert len(read(file.read_bytes()).interfaces) == 3, "eth0, the VF, and the VF that came back"
    again = subprocess.run(
        ["tcpdump", "-r", str(file), "--count"], capture_output=True, text=True, check=True
    )
    assert again.stdout.split()[0] == str(len(read(file.read_bytes()).packets))


def test_s47_an_ordinary_capture_misses_what_this_one_shows(lab_factory: LabFactory) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    frames = Numbered(lab)
    with attached(lab, settle_ms=10) as pair, Tap(lab.guest, "eth0") as ordinary:
        settle(pair, Path.VF)
        with capturing(lab, "-c", str(EACH), "-w", "-", stdout=subprocess.PIPE) as running:
            frames.out("vf0")
            content, _ = running.process.communicate(timeout=60)
        steered = list(frames.expected)
        lab.vf_down()
        frames.out("eth0")
        ordinary.wait_for(b"numbered-%06d" % (len(frames.expected) - 1))
        assert len(ordinary.seen(b"numbered-")) == EACH, "it sees the second half alone"
    assert numbered(content) == steered


def test_s47_text_has_the_path_and_a_filter_applies_to_both(lab: Lab) -> None:
    address = lab.plan.pair(0).peer_address
    with (
        attached(lab, settle_ms=10) as pair,
        capturing(lab, "-n", "-t", "-c", "4", "icmp", stdout=subprocess.PIPE) as running,
    ):
        settle(pair, Path.VF)
        lab.run(lab.guest, ["ping", "-c1", "-W5", address])
        lab.vf_down()
        lab.run(lab.guest, ["ping", "-c1", "-W5", address])
        lines = running.wait().splitlines()
    shown = [[*line.split(" IP ")[0].split(), line.split("ICMP ")[1].split(",")[0]] for line in lines]
    assert shown == [
        ["vf", "vf0", "Out", "echo request"],
        ["vf", "vf0", "In", "echo reply"],
        ["synthetic", "eth0", "Out", "echo request"],
        ["synthetic", "eth0", "In", "echo reply"],
    ]
    assert "4 frames captured" in running.said


@pytest.mark.parametrize("options", [("-n",), ("-w", "-")])
def test_s47_a_reader_who_goes_ends_the_capture_without_a_word(lab: Lab, options: tuple[str, ...]) -> None:
    with attached(lab), capturing(lab, *options, stdout=subprocess.PIPE) as running:
        assert running.process.stdout is not None
        running.process.stdout.close()
        lab.run(lab.guest, ["ping", "-c1", "-W5", lab.plan.pair(0).peer_address])
        assert running.process.wait(60) == 0
        assert running.process.stderr is not None
        said = (running.process.stderr.read() or b"").decode()
        assert "Traceback" not in running.said + said


def test_s47_a_managed_vf_that_comes_back_is_in_the_file_from_its_first_frame(
    lab: Lab, tmp_path: File
) -> None:
    file = tmp_path / "managed.pcapng"
    pair = lab.plan.pair(0)
    with managers(lab) as start:
        manager = start("eth0", "--settle", "1500")  # the capture is a process among others on a slow machine
        manager.wait_vf()
        with capturing(lab, "-w", str(file), "udp") as running:
            with UdpStream(UdpPlan(lab.guest, lab.peer, pair.peer_address, rate=300)) as stream:
                lab.unplug_vf()
                manager.wait_path(Path.SYNTHETIC)
                lab.plug_vf(up=False)
                manager.wait_vf()
                result = stream.stop()
            running.end()
    ports = Counter(int.from_bytes(one.data[36:38], "big") for one in read(file.read_bytes()).packets)
    (port, _), *_ = ports.most_common()
    out = [
        int.from_bytes(one.data[42:50], "big")
        for one in read(file.read_bytes()).packets
        if one.outgoing and int.from_bytes(one.data[36:38], "big") == port
    ]
    numbers = Counter(number for number in out if number < result.sent)
    assert [number for number, times in numbers.items() if times > 1] == []
    missing = [number for number in range(result.sent) if number not in numbers]
    assert len(missing) <= result.lost, f"what arrived was seen; missing: {missing}"
    assert len(read(file.read_bytes()).interfaces) == 3


def test_s37_vlan_tag_is_in_the_file_and_can_be_filtered_by(lab_factory: LabFactory, tmp_path: File) -> None:
    lab, file = lab_factory(NO_FABRIC), tmp_path / "vlan.pcapng"
    silence(lab)
    with attached(lab, settle_ms=10) as pair, capturing(lab, "-w", str(file), "vlan 7") as running:
        settle(pair, Path.VF)
        send(lab.guest, "eth0", tagged(FAR, 7, b"seven-out", source=GUEST_MAC), tagged(FAR, 8, b"eight"))
        send(lab.fabric, "vf0", tagged(GUEST_MAC, 7, b"seven-in"))
        running.end()
    packets = read(file.read_bytes()).packets
    assert [(one.interface, one.outgoing, one.data[12:16]) for one in packets] == [
        ("vf0", True, b"\x81\x00\x00\x07"),
        ("vf0", False, b"\x81\x00\x00\x07"),
    ]


def test_s47_snaplen_cuts_frames_and_keeps_their_length(lab_factory: LabFactory, tmp_path: File) -> None:
    lab, file = lab_factory(NO_FABRIC), tmp_path / "short.pcapng"
    silence(lab)
    with attached(lab, settle_ms=10), capturing(lab, "-w", str(file), "-s", "20", "-c", "1"):
        send(lab.guest, "eth0", ethernet(FAR, bytes(100), source=GUEST_MAC))
        eventually("one frame is written", lambda: bool(read(file.read_bytes()).packets))
    (packet,) = read(file.read_bytes()).packets
    assert (len(packet.data), packet.length) == (20, 114)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["eth9"], 3, "there is no such interface"),
        (["eth0"], 3, "it is not attached"),
        (["eth0", "-w", "/nowhere/file"], 3, "it is not attached"),
    ],
)
def test_s47_refusals_are_one_line_and_leave_no_file(
    netvsc_bpf_cli: Cli, arguments: list[str], code: int, said: str
) -> None:
    result = netvsc_bpf_cli("capture", *arguments)
    assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (code, "", 1)
    assert said in result.stderr


def test_s47_bad_filter_and_bad_file_are_reported(lab: Lab, netvsc_bpf_cli: Cli) -> None:
    with attached(lab):
        bad_filter = netvsc_bpf_cli("capture", "eth0", "no", "such", "filter")
        bad_file = netvsc_bpf_cli("capture", "eth0", "-w", "/nowhere/file")
    assert (bad_filter.returncode, "syntax error" in bad_filter.stderr) == (3, True), bad_filter.stderr
    assert (bad_file.returncode, "cannot write /nowhere/file" in bad_file.stderr) == (1, True), (
        bad_file.stderr
    )


def test_s67_without_tcpdump_the_package_is_named_and_files_are_still_written(
    lab: Lab, tmp_path: File
) -> None:
    # A place where tcpdump cannot be found: another mount over it, in a mount namespace of the command's own.
    hide = 'mount --bind /dev/null /usr/bin/tcpdump && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", hide, "sh", sys.executable, "-m", "netvsc_bpf.cli.main"]
    with attached(lab):
        text = subprocess.run(
            [*command, "--netns", lab.guest, "capture", "eth0"], capture_output=True, text=True, check=False
        )
    assert text.returncode == 4, text
    assert "apt-get install tcpdump" in text.stderr
