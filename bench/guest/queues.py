# SPDX-License-Identifier: GPL-2.0-only
"""The qdiscs that a packet passes: that of the device it is handed to, and that of the VF which it leaves by.

In a guest a device that may have to wait for its hardware has pfifo_fast, a virtual one has none. A NIC
without a qdisc would lose what comes while its ring is full.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from bench.guest.shell import sh

Queues = Callable[[str, str], AbstractContextManager[None]]
"""By device and VF; the two are one where the VF is measured by itself."""
_DEFAULT = Path("/proc/sys/net/core/default_qdisc")


def as_they_are(_device: str, _vf: str) -> AbstractContextManager[None]:
    """Change nothing."""
    return nullcontext()


def none_above(device: str, vf: str) -> AbstractContextManager[None]:
    """No qdisc but the VF's own."""
    return _root({device} - {vf}, "noqueue")


def fq_codel(device: str, vf: str) -> AbstractContextManager[None]:
    """One fq_codel at each."""
    return _root({device, vf}, "fq_codel")


@contextmanager
def by_default(device: str, vf: str) -> Iterator[None]:
    """What the kernel gives each where net.core.default_qdisc is fq_codel, as systemd sets it.

    That is mq with an fq_codel for each transmit queue where the driver has several, as hv_netvsc has.
    """
    before = _DEFAULT.read_text()
    _DEFAULT.write_text("fq_codel")
    try:
        _replace_by_default({device, vf})
        yield
    finally:
        _DEFAULT.write_text(before)
        _replace_by_default({device, vf})


def _replace_by_default(devices: set[str]) -> None:
    """Deleting a qdisc brings the default one; the default one itself cannot be deleted."""
    for device in devices:
        sh(f"tc qdisc replace dev {device} root pfifo", f"tc qdisc del dev {device} root")


@contextmanager
def _root(devices: set[str], kind: str) -> Iterator[None]:
    for device in devices:
        sh(f"tc qdisc replace dev {device} root {kind}")
    try:
        yield
    finally:
        for device in devices:
            sh(f"tc qdisc del dev {device} root")
