# SPDX-License-Identifier: GPL-2.0-only
"""Default routes of every shape, as `ip route` makes them, and the next hops that are read from them."""

from ipaddress import ip_address

import pytest

from netvsc_bpf.kernel.net.default_routes import next_hops
from netvsc_bpf.kernel.net.neighbours import neighbours
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.lab.topology import Lab
from tests.kernel.support.manager import ip

ROUTES = {
    "a gateway": ["route add default via 10.99.0.2"],
    "onlink": ["route add default via 10.1.1.1 dev eth0 onlink"],
    "another table": ["route add default via 10.99.0.2 table 77"],
    "several paths": ["route add default nexthop via 10.99.0.2 nexthop via 10.99.0.3"],
    "an IPv6 gateway": ["route add default via inet6 fe80::2 dev eth0"],
    "a nexthop object": ["nexthop add id 7 via 10.99.0.2 dev eth0", "route add default nhid 7"],
    "a group": [
        "nexthop add id 7 via 10.99.0.2 dev eth0",
        "nexthop add id 8 via 10.99.0.3 dev eth0",
        "nexthop add id 9 group 7/8",
        "route add default nhid 9",
    ],
    "IPv6": ["route add default via fd99::2"],
    "IPv6, several paths": ["route add default nexthop via fd99::2 nexthop via fe80::2 dev eth0"],
    "no gateway": ["route add default dev eth0"],
    "another interface": [
        "link add other type veth peer name far",
        "link set other up",
        "route add default dev other",
    ],
    "not a default route": ["route add 192.0.2.0/24 via 10.99.0.2"],
    "unreachable": ["route add unreachable default metric 9"],
}
FOUND = {
    "onlink": ["10.1.1.1"],
    "several paths": ["10.99.0.2", "10.99.0.3"],
    "an IPv6 gateway": ["fe80::2"],
    "a group": ["10.99.0.2", "10.99.0.3"],
    "IPv6": ["fd99::2"],
    "IPv6, several paths": ["fd99::2", "fe80::2"],
    "no gateway": [],
    "another interface": [],
    "not a default route": [],
    "unreachable": [],
}


def hops(lab: Lab) -> list[str]:
    def read() -> list[str]:
        with Rtnetlink() as rtnl:
            return sorted(map(str, next_hops(rtnl, lab.ifindex(lab.guest, "eth0"))))

    return lab.in_guest(read)


@pytest.mark.parametrize("shown", ["shown", "by number alone"])
@pytest.mark.parametrize("shape", ROUTES)
def test_s97_next_hops_of_default_routes(lab: Lab, shape: str, shown: str) -> None:
    """With nexthop_compat_mode 0 the kernel shows only the number of a nexthop object."""
    value = "1" if shown == "shown" else "0"
    lab.run(lab.guest, ["sysctl", "-qw", f"net.ipv4.nexthop_compat_mode={value}"])
    for command in ROUTES[shape]:
        ip(lab, *command.split())
    assert hops(lab) == FOUND.get(shape, ["10.99.0.2"])


def test_an_interface_that_is_gone_has_none(lab: Lab) -> None:
    def read() -> list[object]:
        with Rtnetlink() as rtnl:
            return [next_hops(rtnl, 9999), neighbours(rtnl, 9999)]

    assert lab.in_guest(read) == [[], {}]


def test_neighbours_are_those_that_have_answered(lab: Lab) -> None:
    lab.run(lab.guest, ["ping", "-c1", "-W5", "10.99.0.2"])
    lab.run(lab.guest, ["ping", "-c1", "-W1", "10.99.0.77"], check=False)
    ip(lab, "neigh", "add", "10.99.0.78", "lladdr", "02:00:00:00:00:78", "dev", "eth0", "nud", "permanent")

    def read() -> dict[object, bytes]:
        with Rtnetlink() as rtnl:
            return dict(neighbours(rtnl, lab.ifindex(lab.guest, "eth0")))

    found = lab.in_guest(read)
    assert [one for one in found if getattr(one, "version", 0) == 4] == [ip_address("10.99.0.2")]
