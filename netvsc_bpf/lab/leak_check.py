# SPDX-License-Identifier: GPL-2.0-only
"""What exists in a sandbox, read from the kernel: namespaces, pins, and programs attached to NICs."""

import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netvsc_bpf.lab.sandbox import BPFFS, NETNS
from netvsc_bpf.lab.wiring import with_rtnl

_TCX = {"tcx ingress": 46, "tcx egress": 47}
"""enum bpf_attach_type of <linux/bpf.h>."""
_MAX_PROGRAMS = 64


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What was found; empty after a complete cleanup."""

    namespaces: tuple[str, ...]
    pins: tuple[str, ...]
    hooks: tuple[str, ...]
    """As "eth0: tcx egress": programs and qdiscs on the NICs of one namespace."""

    def __bool__(self) -> bool:
        return bool(self.namespaces or self.pins or self.hooks)


def namespaces() -> tuple[str, ...]:
    """Return the network namespaces of this sandbox."""
    return tuple(sorted(path.name for path in NETNS.iterdir()))


def pins() -> tuple[str, ...]:
    """Return what is pinned in this sandbox, including directories; it may be removed concurrently."""
    walk = os.walk(BPFFS, onerror=_unless_gone)
    found = (Path(folder, name) for folder, folders, files in walk for name in (*folders, *files))
    # The kernel creates two iterators of its own (*.debug) in every new bpffs.
    return tuple(sorted(str(path.relative_to(BPFFS)) for path in found if path.suffix != ".debug"))


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def hooks(namespace: str) -> tuple[str, ...]:
    """Return the programs and classifying qdiscs on the NICs of a namespace."""
    return with_rtnl(namespace, lambda rtnl: tuple(_hooks(rtnl)))


def _hooks(rtnl: Any) -> Iterator[str]:
    names = {}
    for link in rtnl.get_links():
        names[link["index"]] = name = link.get_attr("IFLA_IFNAME")
        if link.get_nested("IFLA_XDP", "IFLA_XDP_ATTACHED"):
            yield f"{name}: XDP"
        for where, kind in _TCX.items():
            if _attached(link["index"], kind):
                yield f"{name}: {where}"
    for qdisc in rtnl.get_qdiscs():
        if qdisc.get_attr("TCA_KIND") in ("clsact", "ingress"):
            yield f"{names.get(qdisc['index'], '?')}: {qdisc.get_attr('TCA_KIND')}"


def _attached(ifindex: int, kind: int) -> int:
    """Count the programs of one attach type; 0 too if the kernel does not know the type."""
    count = ctypes.c_uint32(_MAX_PROGRAMS)
    ids = (ctypes.c_uint32 * _MAX_PROGRAMS)()
    libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
    # The first argument is a union in the kernel: a cgroup's descriptor, or an ifindex of this namespace.
    if libbpf.bpf_prog_query(ifindex, kind, 0, None, ids, ctypes.byref(count)) != 0:
        return 0
    return count.value
