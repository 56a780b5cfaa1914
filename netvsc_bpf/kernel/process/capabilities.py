# SPDX-License-Identifier: GPL-2.0-only
"""Reads the effective capabilities of this thread, and raises one error that names the missing ones."""

from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path

from netvsc_bpf.model.errors import MissingCapability

STATUS = Path("/proc/thread-self/status")
USER_NAMESPACE = Path("/proc/thread-self/ns/user")
# PROC_USER_INIT_INO in include/linux/proc_ns.h: the user namespace that the machine booted with.
_INITIAL_USER_NAMESPACE = "user:[4026531837]"


class Capability(IntEnum):
    """The capabilities used here, by their bit (linux/capability.h)."""

    CAP_DAC_OVERRIDE = 1
    CAP_NET_ADMIN = 12
    CAP_NET_RAW = 13
    CAP_SYS_PTRACE = 19
    CAP_SYS_ADMIN = 21
    CAP_PERFMON = 38
    CAP_BPF = 39


CAP_DAC_OVERRIDE = Capability.CAP_DAC_OVERRIDE
CAP_NET_ADMIN = Capability.CAP_NET_ADMIN
CAP_NET_RAW = Capability.CAP_NET_RAW
CAP_SYS_PTRACE = Capability.CAP_SYS_PTRACE
CAP_SYS_ADMIN = Capability.CAP_SYS_ADMIN
CAP_PERFMON = Capability.CAP_PERFMON
CAP_BPF = Capability.CAP_BPF

# bpf_capable() and perfmon_capable() take CAP_SYS_ADMIN instead: it was split into them in Linux 5.8.
_SPLIT_FROM_SYS_ADMIN = frozenset({CAP_BPF, CAP_PERFMON})


def parse_effective(status: str) -> frozenset[int]:
    """Return the bits set in the CapEff line of a /proc/<pid>/status; empty if there is no such line."""
    for line in status.split("\n"):  # not splitlines(): the process's name may contain other line ends
        key, _, value = line.partition(":")
        if key == "CapEff":
            mask = int(value, 16)
            return frozenset(bit for bit in range(mask.bit_length()) if mask >> bit & 1)
    return frozenset()


def effective(status: Path = STATUS) -> frozenset[int]:
    """Return the effective capabilities of this thread, as bits. They are per thread, like setns()."""
    return parse_effective(status.read_text(encoding="ascii", errors="replace"))


def missing(needed: Iterable[Capability], held: frozenset[int]) -> tuple[Capability, ...]:
    """Return those of ``needed`` that are neither in ``held`` nor covered by CAP_SYS_ADMIN in it."""
    return tuple(
        one
        for one in needed
        if one not in held and not (one in _SPLIT_FROM_SYS_ADMIN and CAP_SYS_ADMIN in held)
    )


def require(what: str, *needed: Capability, status: Path = STATUS) -> None:
    """Raise MissingCapability, naming all that are missing, unless this thread holds ``needed``.

    ``what`` begins the error message: "cannot load programs".
    """
    lacking = missing(needed, effective(status))
    if lacking:
        names = ", ".join(one.name for one in lacking)
        be = "is" if len(lacking) == 1 else "are"
        raise MissingCapability(
            what, f"{names} {be} missing", "run as root, or grant the process what is missing"
        )


def in_initial_user_namespace(namespace: Path = USER_NAMESPACE) -> bool:
    """Return whether this thread is in the initial user namespace, in which bpf(2) requires capabilities."""
    try:
        return str(namespace.readlink()) == _INITIAL_USER_NAMESPACE
    except FileNotFoundError:
        # A kernel without CONFIG_USER_NS has only that one.
        return True
