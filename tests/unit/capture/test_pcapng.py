# SPDX-License-Identifier: GPL-2.0-only
"""The file is pcapng by the letter: what a reader that knows only the specification finds in it."""

from netvsc_bpf.capture.frame import Interface, Sighting
from netvsc_bpf.capture.pcapng import PcapngBlocks, Taken
from netvsc_bpf.model.path import Path
from tests.unit.capture.pcapng_reader import Packet, read

ETH0 = Interface(2, "eth0", Path.SYNTHETIC)
VF = Interface(5, "enP31819s1", Path.VF)
NOW = 1_795_544_525_279_812_285


def test_each_frame_names_its_interface_direction_and_nanosecond() -> None:
    blocks = PcapngBlocks(1000, "test")
    content = blocks.begin() + b"".join(
        blocks.frame(one)
        for one in (
            Sighting(NOW, VF, True, b"abcde", 1500),
            Sighting(NOW + 1, ETH0, False, b"", 60),
            Sighting(NOW + 2, VF, False, b"abcd", 4),
        )
    )
    found = read(content)
    assert found.interfaces == ["enP31819s1", "eth0"]
    assert found.packets == [
        Packet("enP31819s1", NOW, b"abcde", 1500, True),
        Packet("eth0", NOW + 1, b"", 60, False),
        Packet("enP31819s1", NOW + 2, b"abcd", 4, False),
    ]


def test_vf_that_comes_back_is_another_interface() -> None:
    blocks = PcapngBlocks(1000, "test")
    again = Interface(9, "enP31819s1", Path.VF)
    content = blocks.begin() + blocks.frame(Sighting(NOW, VF, True, b"", 0))
    content += blocks.frame(Sighting(NOW, again, True, b"", 0))
    assert len(read(content).interfaces) == 2


def test_statistics_are_those_of_interfaces_that_stand_in_the_file() -> None:
    blocks = PcapngBlocks(1000, "test")
    content = blocks.begin() + blocks.frame(Sighting(NOW, VF, True, b"", 0))
    content += blocks.statistics(VF, Taken(7, 2), NOW) + blocks.statistics(ETH0, Taken(1, 1), NOW)
    assert read(content).statistics == {"enP31819s1": (7, 2)}
