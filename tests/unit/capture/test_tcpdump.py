# SPDX-License-Identifier: GPL-2.0-only
"""Text is tcpdump's, behind path, interface and direction."""

import pytest

from netvsc_bpf.capture import tcpdump
from netvsc_bpf.capture.frame import Interface, Sighting
from netvsc_bpf.capture.tcpdump import Printer, label
from netvsc_bpf.kernel.process.stdio import OutputLost, ReaderGone
from netvsc_bpf.model.errors import CannotHere, NetvscBpfError
from netvsc_bpf.model.path import Path

ETH0 = Interface(2, "eth0", Path.SYNTHETIC)
VF = Interface(5, "enP31819s1", Path.VF)
ARP = bytes.fromhex("ffffffffffff00155d0102030806000108000604000100155d0102030a6300010000000000000a630002")


def arp(interface: Interface, *, outgoing: bool) -> Sighting:
    return Sighting(1_795_544_525_279_812_285, interface, outgoing, ARP, len(ARP))


def test_columns_line_up() -> None:
    assert label(arp(VF, outgoing=True), 10) == "vf        enP31819s1 Out"
    assert label(arp(ETH0, outgoing=False), 10) == "synthetic eth0       In "


@pytest.mark.parametrize("flags", [["-n", "-t"], ["-n", "-t", "-vv", "-X"]])
def test_each_frame_gets_its_own_label_whatever_tcpdump_adds_below(flags: list[str]) -> None:
    lines: list[str] = []
    printer = Printer(flags, 1000, lines.append)
    printer.frames([arp(VF, outgoing=True), arp(ETH0, outgoing=False)])
    printer.close()
    labelled = [line for line in lines if line.startswith(("vf", "synthetic"))]
    assert [line[:24] for line in labelled] == ["vf        enP31819s1 Out", "synthetic eth0       In "]
    assert all("who-has 10.99.0.2 tell 10.99.0.1" in line for line in labelled)
    assert all(line.startswith("\t0x00") for line in lines if line not in labelled)


def test_tcpdump_that_fails_is_reported_with_its_own_message() -> None:
    printer = Printer(["-n", "no such filter"], 1000, lambda line: None)
    with pytest.raises(NetvscBpfError) as caught:
        printer.close()
    assert "syntax error" in caught.value.why


def test_tcpdump_that_was_killed_is_no_quiet_end() -> None:
    printer = Printer(["-n"], 1000, lambda line: None)
    printer._process.kill()
    printer._process.wait()
    with pytest.raises(NetvscBpfError, match="status -9"):
        printer.frames([arp(VF, outgoing=True)])
    printer.abandon()


@pytest.mark.parametrize("error", [OutputLost("cannot write", "no space left on device"), ReaderGone()])
def test_s89_output_that_is_lost_ends_tcpdump_and_is_raised_where_frames_come_from(error: Exception) -> None:
    def emit(line: str) -> None:
        raise error

    printer = Printer(["-n"], 1000, emit)
    with pytest.raises(type(error)):
        for _ in range(10_000):
            printer.frames([arp(VF, outgoing=True)])
    printer.abandon()
    assert printer._process.returncode is not None


def test_s67_missing_tcpdump_is_reported_with_its_package_and_a_workaround(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcpdump, "which", lambda *_, **__: None)
    with pytest.raises(CannotHere) as caught:
        tcpdump.tcpdump()
    assert caught.value.exit_code == 4
    assert "apt-get install tcpdump" in str(caught.value) and "-w FILE" in str(caught.value)
