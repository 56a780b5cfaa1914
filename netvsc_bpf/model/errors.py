# SPDX-License-Identifier: GPL-2.0-only
"""The error types. Each error has what failed, why, and what to do about it.

``exit_code`` is the exit status of the command for that class of error (CONTRACT.md).
"""

from typing import ClassVar


class NetvscBpfError(Exception):
    """Base class of all errors of this library; by itself an unexpected failure."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, why: str, remedy: str | None = None) -> None:
        self.what = what
        self.why = why
        self.remedy = remedy
        super().__init__(what, why, remedy)

    def __str__(self) -> str:
        line = f"{self.what}: {self.why}"
        return f"{line}; {self.remedy}" if self.remedy else line


class KernelError(NetvscBpfError):
    """A system call failed, for a reason without its own class. ``errno`` is the kernel's."""

    def __init__(self, what: str, why: str, remedy: str | None = None, *, errno: int | None = None) -> None:
        super().__init__(what, why, remedy)
        self.errno = errno


class XdpRefused(KernelError):
    """A driver does not run XDP programs, or not with the MTU and the features that it has now."""


class NamespaceGone(KernelError):
    """A network namespace no longer exists, or has no name and no visible process."""


class CompileError(NetvscBpfError):
    """bcc or the verifier refused the programs. ``log`` is its complete output."""

    def __init__(self, what: str, why: str, remedy: str | None = None, *, log: str = "") -> None:
        super().__init__(what, why, remedy)
        self.log = log


class ConfigError(NetvscBpfError):
    """The configuration file cannot be used: `FILE:LINE: reason`.

    Exit status 2, "usage": like an invalid command line, it is refused before anything is read.
    """

    exit_code = 2


class NoticesUnavailable(NetvscBpfError):
    """Notices of maintenance cannot be read, or make no sense: whether there are any is not known."""


class Refused(NetvscBpfError):
    """The request is not valid for these interfaces; nothing was changed."""

    exit_code = 3


class NoSuchNic(Refused):
    """There is no interface with that name in this network namespace."""


class NotAttached(Refused):
    """The interface exists, but netvsc-bpf is not attached to it."""


class NotASyntheticNic(Refused):
    """The interface cannot be the synthetic member of a pair."""


class NotAVf(Refused):
    """The interface named as VF cannot be a VF."""


class AmbiguousPairing(Refused):
    """More than one interface could be the VF. ``candidates`` are their names."""

    def __init__(self, what: str, why: str, remedy: str, *, candidates: tuple[str, ...]) -> None:
        super().__init__(what, why, remedy)
        self.candidates = candidates


class VfInUse(Refused):
    """The VF belongs to a bridge, a bond, OVS or another pair."""


class CrossedPairs(VfInUse):
    """The VF is, or will be, a member of another pair."""


class MacDiffers(NotAVf):
    """The interface named as VF has another MAC, which may change later."""


class PairDrained(Refused):
    """The pair is drained: its VF is not used before `undrain`."""


class ForeignXdp(Refused):
    """Another XDP program is attached instead of guard; it is never replaced."""


class ForeignLayout(Refused):
    """Pinned objects were created by another version, or not by netvsc-bpf."""


class Busy(Refused):
    """Another netvsc-bpf holds the lock. ``pid`` is its process, if known."""

    def __init__(self, what: str, why: str, remedy: str | None = None, *, pid: int | None = None) -> None:
        super().__init__(what, why, remedy)
        self.pid = pid


class CannotHere(NetvscBpfError):
    """This kernel or machine does not support it."""

    exit_code = 4


class MissingCapability(CannotHere):
    """The process lacks a capability that the kernel requires."""


class BpffsUnavailable(CannotHere):
    """/sys/fs/bpf is not mounted, or this mount namespace hides it."""


class UntrustedFolder(CannotHere):
    """netvsc-bpf's folder in bpffs, or something in it, was not created by netvsc-bpf."""


class NoBtf(CannotHere):
    """The kernel has no type information (BTF), or its structures do not fit."""


class BccMissing(CannotHere):
    """The distribution's python3-bpfcc cannot be imported."""


class NotSupported(CannotHere):
    """The kernel lacks a feature. ``requires`` names the version that has it."""

    def __init__(
        self, what: str, why: str, remedy: str | None = None, *, requires: str | None = None
    ) -> None:
        super().__init__(what, why, remedy)
        self.requires = requires
