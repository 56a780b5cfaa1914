# SPDX-License-Identifier: GPL-2.0-only
"""/proc/net/dev taken apart."""

from netvsc_bpf.kernel.net.device_counters import by_name, transmitted

HEAD = b"Inter-|   Receive  |  Transmit\n face |bytes packets errs ...|bytes packets errs ...\n"
LINES = (
    b"    lo:     100       1    0    0    0     0          0         0      100      11 0 0 0 0 0 0\n"
    b"enP31819s1: 9999999999999 88888888 0 0 0 0 0 0 12345678901234 77777777777 0 3 0 0 0 0\n"
    b"eth0:1:       5       6    0    0    0     0          0         0        7       8 0 0 0 0 0 0\n"
)


def test_packets_transmitted_are_found_by_name() -> None:
    assert by_name(HEAD + LINES) == {"lo": 11, "enP31819s1": 77777777777, "eth0:1": 8}


def test_loopback_is_listed_and_vanished_devices_are_left_out() -> None:
    assert set(transmitted({1, 0x7FFFFFFE})) == {1}
