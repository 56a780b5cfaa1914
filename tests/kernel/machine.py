# SPDX-License-Identifier: GPL-2.0-only
"""Everything that attach may change on a machine, read anew: what "as found" means in these tests."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute

from netvsc_bpf.kernel.hooks import clsact
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.hooks.tcx_query import tcx_programs
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.lab import leak_check
from netvsc_bpf.lab.sandbox import BPFFS
from netvsc_bpf.lab.topology import Lab

State = dict[str, Any]
_CONF = Path("/proc/sys/net")
# The kernel generates it when IPv6 comes up; it is not configured.
_RANDOM = {"stable_secret"}


def eventually(what: str, holds: Callable[[], bool]) -> None:
    """Wait for what must come, however slow the machine: the limit is that of a hang, not of a speed."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)


def look(lab: Lab) -> State:
    """Return the state of the guest and of bpffs, by a name for each part, comparable with ==."""
    state: State = {f"pin {path}": True for path in pins()}
    for link in json.loads(lab.run(lab.guest, ["ip", "-d", "-j", "link"]).stdout):
        # Not the link's state: it changes with a delay, and is not configured.
        link["flags"] = sorted(set(link["flags"]) - {"LOWER_UP", "NO-CARRIER"})
        del link["operstate"]
        state[f"link {link['ifname']}"] = link
    for link in json.loads(lab.run(lab.guest, ["ip", "-j", "addr"]).stdout):
        state[f"addresses {link['ifname']}"] = link["addr_info"]
    return state | lab.in_guest(_from_inside)


def pins() -> list[Path]:
    """Return what is in bpffs but for the two iterators that the kernel puts into each."""
    return [BPFFS / name for name in leak_check.pins()]


def assert_as(before: State, lab: Lab, when: str = "") -> None:
    """Fail unless the guest is, or comes to be, as it was: operational state and addresses take a moment."""
    deadline = time.monotonic() + 20
    while (now := look(lab)) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    changed = [
        f"{what}: {before.get(what)}, now {now.get(what)}"
        for what in sorted(before.keys() | now.keys())
        if before.get(what) != now.get(what)
    ]
    assert not changed, "\n".join([f"not as found {when}:", *changed])


def settled(lab: Lab) -> State:
    """Return the state of the guest once no address is on its way."""
    eventually("every NIC has its own address", lambda: _has_addresses(look(lab)))
    return look(lab)


@contextmanager
def unchanged(lab: Lab) -> Iterator[State]:
    """Fail unless the guest is at the end of the block as it was at its begin."""
    before = settled(lab)
    yield before
    assert_as(before, lab)


def _has_addresses(state: State) -> bool:
    """Say whether each NIC has the link-local address that the kernel gives it once the wire is there."""
    for what, link in state.items():
        name = what.removeprefix("link ")
        waits = (
            what.startswith("link ")
            and link.get("linkinfo", {}).get("info_kind") == "veth"
            and "UP" in link["flags"]
            and link.get("inet6_addr_gen_mode", "none") != "none"
            and state.get(f"sysctl ipv6.{name}.disable_ipv6") == "0\n"
        )
        if waits and not any(one["scope"] == "link" for one in state[f"addresses {name}"]):
            return False
    return True


def _from_inside() -> State:
    state: State = {}
    with IPRoute() as ipr, Rtnetlink() as rtnl:
        for link in ipr.get_links():
            name, ifindex = link.get_attr("IFLA_IFNAME"), link["index"]
            for direction in Direction:
                state[f"tcx {name} {direction.name}"] = tcx_programs(ifindex, direction)
            for qdisc in ipr.get_qdiscs(index=ifindex):
                if qdisc["index"] != ifindex:
                    continue
                kind = qdisc.get_attr("TCA_KIND")
                state[f"qdisc {name} {qdisc['parent']:x}"] = (kind, qdisc["handle"])
                if kind == "clsact":
                    for direction in Direction:
                        state[f"filters {name} {direction.name}"] = clsact.filters(rtnl, ifindex, direction)
            state |= _settings(name)
    return state


def _settings(name: str) -> State:
    return {
        f"sysctl {family}.{name}.{path.name}": _read(path)
        for family in ("ipv4", "ipv6")
        for path in sorted((_CONF / family / "conf" / name).glob("*"))
        if path.name not in _RANDOM
    }


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        return f"errno {error.errno}"
