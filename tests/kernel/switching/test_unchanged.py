# SPDX-License-Identifier: GPL-2.0-only
"""What the synthetic NIC owns is not touched by any switch."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from netvsc_bpf.lab.directions import Direction, tcp_plan
from netvsc_bpf.lab.tcp import TcpStream
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.support.attachment import attached
from tests.kernel.support.waiting import eventually

RULES = """
table inet firewall {
	chain in {
		type filter hook input priority 0; policy accept;
		iif "eth0" tcp dport 22 accept
		iifname "eth0" udp dport 4242 drop
	}
	chain out {
		type filter hook output priority 0; policy accept;
		oifname "eth0" udp dport 4243 drop
	}
}
"""


def owned(lab: Lab) -> dict[str, Any]:
    """Addresses, routes, sockets and rules of the guest, without what is the VF's own."""

    def lines(*argv: str) -> list[str]:
        return sorted(line for line in lab.run(lab.guest, argv).stdout.splitlines() if "vf0" not in line)

    nic = json.loads(lab.run(lab.guest, ["ip", "-j", "addr", "show", "dev", "eth0"]).stdout)[0]
    return {
        "addresses": [nic[key] for key in ("ifindex", "ifname", "flags", "address", "mtu", "addr_info")],
        "rules": lines("ip", "rule") + lines("ip", "-6", "rule"),
        "routes": lines("ip", "-d", "route", "show", "table", "all")
        + lines("ip", "-6", "-d", "route", "show", "table", "all"),
        # Queues come and go; a socket is its state and its ends.
        "sockets": [line.split()[:2] + line.split()[4:6] for line in lines("ss", "-H", "-tuan")],
        "firewall": lines("nft", "--stateless", "list", "ruleset"),
    }


@contextmanager
def switches(lab: Lab) -> Iterator[Iterator[str]]:
    """Every change of path, from attach on; the detach is at the end of the block."""
    with attached(lab, settle_ms=50) as pair:

        def each() -> Iterator[str]:
            yield "attach"
            for name, leave, back in CHANGES:
                assert pair.path is Path.VF
                leave(lab)
                pair.wait_for(Path.SYNTHETIC)
                yield f"{name}, left"
                back(lab)
                pair.wait_for(Path.VF)
                yield f"{name}, returned"
            lab.unplug_vf()
            yield "removed"
            lab.plug_vf()
            pair.attach(settle_ms=50)
            assert pair.path is Path.VF
            yield "plugged in again"

        yield each()


CHANGES: tuple[tuple[str, Callable[[Lab], None], Callable[[Lab], None]], ...] = (
    ("admin", Lab.vf_down, Lab.vf_up),
    ("carrier", lambda lab: lab.vf_carrier(False), lambda lab: lab.vf_carrier(True)),
)


def test_s14_addresses_routes_sockets_and_rules_are_the_same_after_every_switch(lab: Lab) -> None:
    lab.run(lab.guest, ["ip", "route", "add", "default", "via", "10.99.0.2", "dev", "eth0"])
    lab.run(lab.guest, ["ip", "route", "add", "192.0.2.0/24", "dev", "eth0", "table", "77"])
    lab.run(lab.guest, ["ip", "rule", "add", "iif", "eth0", "lookup", "77"])
    lab.run(lab.guest, ["nft", RULES])
    with TcpStream(tcp_plan(lab, Direction.TX, rate=1_000_000)) as stream:
        eventually("a connection that works", lambda: stream.received > 100_000)
        before = owned(lab)
        assert before["sockets"]
        assert len(before["firewall"]) > 8
        with switches(lab) as steps:
            for step in steps:
                assert owned(lab) == before, step
        assert owned(lab) == before, "detach"
        result = stream.stop()
    assert result.intact


@pytest.mark.parametrize("direction", list(Direction))
def test_s14_connection_outlives_every_switch(lab: Lab, direction: Direction) -> None:
    with TcpStream(tcp_plan(lab, direction, rate=1_000_000)) as stream:
        with switches(lab) as steps:
            for step in steps:
                so_far = stream.received
                eventually(f"more bytes after: {step}", lambda at=so_far: stream.received > at + 50_000)
        result = stream.stop()
    assert result.intact
    assert result.received > 300_000
