# SPDX-License-Identifier: GPL-2.0-only
"""Does a DHCP client or network manager configure the VF as a NIC of its own (scenario row 13)?

Three sources: DHCP clients with the VF on their command line, and the state files of systemd-networkd and
NetworkManager. Those files are the machine's, so they are read in the initial network namespace only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.doctor.finding import Finding, warning
from netvsc_bpf.model import names
from netvsc_bpf.model.nic import Nic

CHECK = "vf-dhcp"
_CLIENTS = frozenset({"dhclient", "dhcpcd", "udhcpc", "dhcp6c", "odhcp6c"})
_RULES = "keep it off with the rules in deploy/"


@dataclass(frozen=True, slots=True)
class Places:
    """Directories that are read."""

    proc: Path = Path("/proc")
    networkd: Path = Path("/run/systemd/netif/links")
    network_manager: Path = Path("/run/NetworkManager/devices")


_HERE = Places()


def check_dhcp(vf: Nic, places: Places = _HERE) -> list[Finding]:
    """Warn of each program that configures the VF."""
    findings = [
        warning(CHECK, f"{program} (process {pid}) configures the VF {vf.name}", f"stop it, and {_RULES}")
        for pid, program in _clients(vf.name, places.proc)
    ]
    if not _first_namespace(places.proc):
        return findings
    state = _key(places.networkd / str(vf.ifindex), "ADMIN_STATE")
    if state not in (None, "unmanaged"):
        findings.append(
            warning(
                CHECK,
                f"systemd-networkd manages the VF {vf.name} ({state})",
                f"set Unmanaged=yes in [Link]: {_RULES}",
            )
        )
    managed = _key(places.network_manager / str(vf.ifindex), "managed")
    if managed in ("true", "full"):
        findings.append(
            warning(
                CHECK,
                f"NetworkManager manages the VF {vf.name}",
                f"`nmcli device set {names.quoted(vf.name)} managed no`: {_RULES}",
            )
        )
    return findings


def check_ipv6(vf: Nic, attached: bool) -> Finding | None:
    """Warn if IPv6 is enabled again on the VF of an attached pair: attach disabled it."""
    if not attached or vf.ipv6_disabled is not False:
        return None
    return warning(
        "vf-ipv6",
        f"IPv6 is enabled on the VF {vf.name}, so it may get addresses from router advertisements",
        f"`sysctl -w net.ipv6.conf.{names.quoted(vf.name)}.disable_ipv6=1`",
    )


def _clients(name: str, proc: Path) -> Iterator[tuple[int, str]]:
    here = _namespace(proc / "thread-self")
    for process in sorted(proc.glob("[0-9]*"), key=lambda one: int(one.name)):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile
        program = Path(names.decode(words[0])).name.rstrip(":")
        if program not in _CLIENTS or names.encode(name) not in re.split(rb"[\s=]", b" ".join(words[1:])):
            continue
        # Other namespaces may have an interface of the same name; clients there do not matter.
        if _namespace(process) == here:
            yield int(process.name), program


def _first_namespace(proc: Path) -> bool:
    return _namespace(proc / "thread-self") == _namespace(proc / "1")


def _namespace(process: Path) -> str | None:
    try:
        return str((process / "ns" / "net").readlink())
    except OSError:
        return None


def _key(path: Path, key: str) -> str | None:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    match = re.search(rf"^{key}=(.*)$", text, re.MULTILINE)
    return None if match is None else match[1].strip()
