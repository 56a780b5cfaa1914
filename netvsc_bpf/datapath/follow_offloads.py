# SPDX-License-Identifier: GPL-2.0-only
"""Gives a VF the receive offloads that its synthetic NIC requires, and restores the original ones.

planner/receive_offloads.py decides which they are. The original values are recorded in `struct found` before
anything is changed. A VF that refuses one is used nevertheless.
"""

import errno
from collections.abc import Callable
from dataclasses import dataclass

from netvsc_bpf.datapath.sync_vlans import Half
from netvsc_bpf.kernel.bpf import offload_notes
from netvsc_bpf.kernel.bpf.abi import RECEIVE_OFFLOADS, Found
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net.ethtool_features import OffloadReader, request_offloads
from netvsc_bpf.kernel.net.forwarding import forwards
from netvsc_bpf.kernel.net.link_settings import changing
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.model.errors import KernelError, NetvscBpfError
from netvsc_bpf.model.receive_offload import ReceiveOffload
from netvsc_bpf.planner.receive_offloads import Values, decided, requests, unmet, without_guard

_WAS = 16  # the first of the bits of found.vf_offloads that hold original values
_GONE = (errno.ENODEV, errno.ENXIO)


@dataclass(frozen=True, slots=True)
class Difference:
    """How the receive offloads of a VF differ from what its synthetic NIC requires."""

    requests: dict[ReceiveOffload, bool]
    """What requesting may change."""
    unmet: dict[ReceiveOffload, bool]
    """What the VF cannot be given: it is fixed, or was requested and not granted."""


def originals(recorded: int) -> dict[ReceiveOffload, bool]:
    """Return the original values of what was changed, from found.vf_offloads. Pure."""
    return {
        one: bool(recorded >> bit + _WAS & 1)
        for bit, one in enumerate(RECEIVE_OFFLOADS)
        if recorded >> bit & 1
    }


def record(values: Values) -> int:
    """Return found.vf_offloads for these original values. Pure."""
    bits = {one: bit for bit, one in enumerate(RECEIVE_OFFLOADS)}
    return sum(1 << bits[one] | on << bits[one] + _WAS for one, on in values.items())


def difference(
    rtnl: Rtnetlink, synthetic: Half, vf: Half, recorded: int, read: OffloadReader | None = None
) -> Difference:
    """Compare a VF with its synthetic NIC, both in this thread's network namespace. Raises OSError.

    `recorded` is found.vf_offloads.
    """
    nic, has = map(read or OffloadReader(), (synthetic.ifindex, vf.ifindex))
    lro = nic[ReceiveOffload.LRO]
    if lro.available and not lro.active:
        nic = without_guard(nic, offload_notes.read(NetnsPins(namespaces.current_inode()), synthetic.ifindex))
    before = originals(recorded)
    values = decided(nic, has, before, lambda: forwards(rtnl, synthetic.ifindex))
    return Difference(requests(values, has, before), unmet(values, has))


def follow(rtnl: Rtnetlink, found: Found, synthetic: Half, vf: Half, note: Callable[[], None]) -> Difference:
    """Give the VF what its synthetic NIC requires; return what was requested, and what it does not have now.

    `note` stores `found`. Raises KernelError.
    """
    with changing(f"cannot set the receive offloads of {vf.name}"):
        read = OffloadReader()
        wanted = difference(rtnl, synthetic, vf, found.vf_offloads, read)
        if not wanted.requests:
            return wanted
        before = {one: not on for one, on in wanted.requests.items()} | originals(found.vf_offloads)
        found.vf_offloads = record(before)
        note()
        request_offloads(vf.ifindex, wanted.requests)
        now = read(vf.ifindex)
        found.vf_offloads = record({one: on for one, on in before.items() if now[one].requested is not on})
        note()
        left = difference(rtnl, synthetic, vf, found.vf_offloads, read)
    return Difference(wanted.requests, {**left.requests, **left.unmet})


def follow_if_possible(
    rtnl: Rtnetlink, found: Found, synthetic: Half, vf: Half, note: Callable[[], None]
) -> str | None:
    """Do as follow(), but return a warning instead of raising, and if the VF does not have all of it.

    A VF that is gone is not warned of: the next step finds that out.
    """
    try:
        done = follow(rtnl, found, synthetic, vf, note)
    except NetvscBpfError as error:
        return None if isinstance(error, KernelError) and error.errno in _GONE else str(error)
    return warning(synthetic.name, vf.name, done.unmet)


def restore(found: Found, vf: Half) -> None:
    """Restore the original receive offloads of a VF. Raises KernelError."""
    if before := originals(found.vf_offloads):
        with changing(f"cannot restore the receive offloads of {vf.name}"):
            request_offloads(vf.ifindex, before)


def words(values: Values) -> str:
    """Return offloads and their values in words, as "rx-gro on, rx-lro off". Pure."""
    return ", ".join(f"{one} {'on' if on else 'off'}" for one, on in values.items())


def warning(synthetic: str, vf: str, lacking: Values) -> str | None:
    """Return what it means that a VF does not have these values, in words; None if it has all. Pure."""
    if not lacking:
        return None
    effect = f"packets from {vf} are merged otherwise than those of {synthetic}"
    if lacking.get(ReceiveOffload.LRO) is False:
        effect = f"packets that {vf} has merged must not be forwarded: they leave with other sizes"
    return f"{vf} cannot be given {words(lacking)}, as {synthetic} requires: {effect}"
