# SPDX-License-Identifier: GPL-2.0-only
"""What can go wrong, as types. Each says what failed, why, and what to do about it.

``exit_code`` is the process exit status that CONTRACT.md gives to the class of error.
"""

from typing import ClassVar


class NetvscBpfError(Exception):
    """Base of all errors of this library; by itself: something failed that should have worked."""

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
    """A system call failed in a way that has no class of its own. ``errno`` is the kernel's."""

    def __init__(self, what: str, why: str, remedy: str | None = None, *, errno: int | None = None) -> None:
        super().__init__(what, why, remedy)
        self.errno = errno


class NamespaceGone(KernelError):
    """A network namespace is not there any more, or nobody that we can see is in it."""


class CompileError(NetvscBpfError):
    """bcc refused our programs, or the verifier did. ``log`` is its whole output."""

    def __init__(self, what: str, why: str, remedy: str | None = None, *, log: str = "") -> None:
        super().__init__(what, why, remedy)
        self.log = log


class ConfigError(NetvscBpfError):
    """The configuration file cannot be used: `FILE:LINE: reason`.

    Exit status 2, "usage": like a command line that is none, it is refused before anything is looked at.
    """

    exit_code = 2


class Refused(NetvscBpfError):
    """The request makes no sense for these interfaces; nothing was changed."""

    exit_code = 3


class NoSuchNic(Refused):
    """There is no interface of that name in this network namespace."""


class NotAttached(Refused):
    """The interface exists, but netvsc-bpf is not attached to it."""


class NotASyntheticNic(Refused):
    """The interface cannot be the synthetic half of a pair."""


class NotAVf(Refused):
    """The interface named as VF cannot be one."""


class AmbiguousPairing(Refused):
    """More than one interface could be the VF. ``candidates`` are their names."""

    def __init__(self, what: str, why: str, remedy: str, *, candidates: tuple[str, ...]) -> None:
        super().__init__(what, why, remedy)
        self.candidates = candidates


class VfInUse(Refused):
    """The VF belongs to a bridge, a bond, OVS or another pair."""


class CrossedPairs(VfInUse):
    """The VF is, or is to be, a half of another pair."""


class MacDiffers(NotAVf):
    """The interface named as VF has another MAC; that may change."""


class PairDrained(Refused):
    """An operator drained the pair: nothing uses its VF before `undrain`."""


class ForeignXdp(Refused):
    """Another XDP program sits where guard would go; it is never replaced."""


class ForeignLayout(Refused):
    """What is pinned under our root was not written by this version, or not by us."""


class Busy(Refused):
    """Another netvsc-bpf is writing. ``pid`` is its process, where it is known."""

    def __init__(self, what: str, why: str, remedy: str | None = None, *, pid: int | None = None) -> None:
        super().__init__(what, why, remedy)
        self.pid = pid


class CannotHere(NetvscBpfError):
    """This kernel or machine cannot do it."""

    exit_code = 4


class MissingCapability(CannotHere):
    """The process lacks a capability that the kernel asks for."""


class BpffsUnavailable(CannotHere):
    """/sys/fs/bpf is not mounted, or this mount namespace hides it."""


class UntrustedFolder(CannotHere):
    """Our folder in bpffs, or something in it, is not of our making."""


class NoBtf(CannotHere):
    """The kernel has no type information, or ours does not fit it."""


class BccMissing(CannotHere):
    """The distribution's python3-bpfcc is not importable."""


class NotSupported(CannotHere):
    """The kernel lacks a feature. ``requires`` names the version that has it."""

    def __init__(
        self, what: str, why: str, remedy: str | None = None, *, requires: str | None = None
    ) -> None:
        super().__init__(what, why, remedy)
        self.requires = requires
