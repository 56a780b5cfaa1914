# SPDX-License-Identifier: GPL-2.0-only
"""The network of two hypervisors: a bridge that learns, two ports of it for each, and a peer.

Everything is in network namespaces of its own. A watch notes by which port the guest's MAC was last heard,
and what kind of frame moved it: this is what the bridge learns from.
"""

import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from netvsc_bpf.lab import namespace

FABRIC, PEER = "nvb-migration", "nvb-migration-peer"
GUEST_MAC = "52:54:00:0c:00:01"
GUEST_ADDRESS, PEER_ADDRESS = "10.97.0.1", "10.97.0.2"
HOSTS = ("a", "b")
"""The two hypervisors. Each has the ports `<host>-syn` and `<host>-vf`."""
KINDS = {0x0800: "IPv4", 0x0806: "ARP", 0x8035: "RARP", 0x86DD: "IPv6"}
_PORT_MAC = bytes.fromhex(GUEST_MAC.replace(":", ""))
_ETH_P_ALL = 3
_OUTGOING = 4  # PACKET_OUTGOING, include/uapi/linux/if_packet.h


@dataclass(frozen=True, slots=True)
class Heard:
    """The guest's MAC came in by another port than before. `at` is CLOCK_MONOTONIC ns of this machine."""

    at: int
    port: str
    kind: str


@dataclass
class Fabric:
    """A context: the namespaces exist while it is open."""

    heard: list[Heard] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _watch: threading.Thread | None = None

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self._remove()
            raise
        self._watch = threading.Thread(target=namespace.call_in, args=(FABRIC, self._listen), daemon=True)
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._watch is not None:
            self._watch.join()
        self._remove()

    def silent_guest(self) -> None:
        """Let the peer know the guest's MAC for good, so that it never has to ask for it."""
        neighbour = (GUEST_ADDRESS, "lladdr", GUEST_MAC, "dev", "peer0", "nud", "permanent")
        _ip(PEER, "neigh", "replace", *neighbour)

    def _build(self) -> None:
        for name in (FABRIC, PEER):
            namespace.create(name)
            _ip(name, "link", "set", "lo", "up")
        _ip(FABRIC, *["link", "add", "br0", "type", "bridge", "mcast_snooping", "0", "ageing_time", "30000"])
        _ip(FABRIC, "link", "set", "br0", "up")
        for port in (f"{host}-{nic}" for host in HOSTS for nic in ("syn", "vf")):
            _ip(FABRIC, *f"tuntap add dev {port} mode tap vnet_hdr".split())
            _ip(FABRIC, *f"link set {port} master br0 addrgenmode none up".split())
        _ip(FABRIC, *f"link add to-peer type veth peer name peer0 netns {PEER}".split())
        _ip(FABRIC, *["link", "set", "to-peer", "master", "br0", "up"])
        _ip(PEER, *f"address add {PEER_ADDRESS}/24 dev peer0".split())
        _ip(PEER, *["link", "set", "peer0", "up"])

    def _remove(self) -> None:
        for name in (FABRIC, PEER):
            namespace.remove(name)

    def _listen(self) -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)) as heard:
            heard.settimeout(0.2)
            while not self._over.is_set():
                try:
                    frame, (port, _, direction, *_) = heard.recvfrom(64)
                except TimeoutError:
                    continue
                except OSError:  # a port that QEMU closes goes down, which the socket reports
                    continue
                ours = port.endswith(("-syn", "-vf")) and direction != _OUTGOING
                if ours and frame[6:12] == _PORT_MAC and (not self.heard or self.heard[-1].port != port):
                    (kind,) = struct.unpack_from("!H", frame, 12)
                    self.heard.append(Heard(time.monotonic_ns(), port, KINDS.get(kind, f"{kind:#06x}")))


def inside(name: str, *command: str) -> list[str]:
    """Return the command line that runs a command in one of the namespaces."""
    return ["nsenter", f"--net={namespace.namespace_path(name)}", *command]


def _ip(name: str, *arguments: str) -> None:
    subprocess.run(inside(name, "ip", *arguments), check=True)
