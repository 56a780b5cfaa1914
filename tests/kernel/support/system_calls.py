# SPDX-License-Identifier: GPL-2.0-only
"""The system calls by which we look at the kernel and change it, by number and by what they are for."""

import platform
import struct
from dataclasses import dataclass
from pathlib import Path

from tests.kernel.support.seccomp import Asked

_X86 = {
    "openat": 257, "openat2": 437, "newfstatat": 262, "statx": 332, "stat": 4, "lstat": 6, "access": 21,
    "faccessat": 269,
    "mkdir": 83, "mkdirat": 258, "rmdir": 84, "unlink": 87, "unlinkat": 263, "rename": 82, "renameat": 264,
    "renameat2": 316, "symlink": 88, "symlinkat": 266, "readlink": 89, "readlinkat": 267, "getdents64": 217,
    "chown": 92, "lchown": 94, "fchown": 93, "fchownat": 260, "chmod": 90, "fchmod": 91, "fchmodat": 268,
    "statfs": 137, "fstatfs": 138, "socket": 41, "bind": 49, "sendto": 44, "recvfrom": 45, "setsockopt": 54,
    "getsockopt": 55, "ioctl": 16, "flock": 73, "bpf": 321, "setns": 308, "clone": 56, "vfork": 58,
    "clone3": 435, "pipe2": 293, "execve": 59, "dup": 32, "dup3": 292, "write": 1, "sched_yield": 24,
}  # fmt: skip
_ARM = {
    "openat": 56, "openat2": 437, "newfstatat": 79, "statx": 291, "faccessat": 48, "mkdirat": 34,
    "unlinkat": 35,
    "renameat": 38, "renameat2": 276, "symlinkat": 36, "readlinkat": 78, "getdents64": 61, "fchown": 55,
    "fchownat": 54, "fchmod": 52, "fchmodat": 53, "statfs": 43, "fstatfs": 44, "socket": 198, "bind": 200,
    "sendto": 206, "recvfrom": 207, "setsockopt": 208, "getsockopt": 209, "ioctl": 29, "flock": 32,
    "bpf": 280, "setns": 268, "clone": 220, "clone3": 435, "pipe2": 59, "execve": 221, "dup": 23, "dup3": 24,
    "write": 64, "sched_yield": 124,
}  # fmt: skip
NUMBERS = {"x86_64": _X86, "aarch64": _ARM}[platform.machine()]
MMAP = {"x86_64": 9, "aarch64": 222}[platform.machine()]
_NAMES = {number: name for name, number in {**NUMBERS, "mmap": MMAP}.items()}
MEMORY = "sched_yield"
"""Stands for a change of memory that is shared with the kernel, which no system call shows."""

_BPF = {
    0: "map_create", 1: "map_lookup", 2: "map_update", 3: "map_delete", 5: "prog_load", 6: "obj_pin",
    7: "obj_get", 10: "test_run", 15: "info", 16: "prog_query", 17: "raw_tracepoint_open", 24: "lookup_batch",
    28: "link_create", 29: "link_update", 34: "link_detach",
}  # fmt: skip
_BPF_CHANGES = {2, 3, 6, 10, 17, 28, 29, 34}
_FILE_CHANGES = {
    "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "symlink",
    "symlinkat", "chown", "lchown", "fchown", "fchownat", MEMORY,
}  # fmt: skip
_LISTS = {0x8931, 0x8932}  # SIOCADDMULTI, SIOCDELMULTI
_NETLINK = struct.Struct("=IH")


@dataclass(frozen=True, slots=True)
class SystemCall:
    """One call, before it is made."""

    process: int
    name: str
    detail: str
    changes: bool
    """It changes something that outlives the process."""
    counts: bool
    """It is one of those by which we deal with the kernel, and no talk among processes."""

    def __str__(self) -> str:
        return f"{self.name} {self.detail}".strip()


def describe(asked: Asked, process: int) -> SystemCall:
    """Say what a call that waits is for."""
    name, arguments = _NAMES[asked.number], asked.arguments
    detail, changes, counts = "", name in _FILE_CHANGES, name != MEMORY
    if name == "bpf":
        detail, changes = _BPF.get(arguments[0], str(arguments[0])), arguments[0] in _BPF_CHANGES
    elif name == "sendto":
        kind = _netlink_kind(asked)
        detail, changes = f"message {kind}", kind >= 16 and kind % 4 != 2
    elif name == "ioctl":
        detail, changes = f"{arguments[1]:#x}", arguments[1] in _LISTS
    elif name == "write":
        changes = counts = _target(asked.thread, arguments[0]).startswith("/proc/sys/")
    return SystemCall(process, name, detail, changes, counts)


def _netlink_kind(asked: Asked) -> int:
    with Path(f"/proc/{asked.thread}/mem").open("rb", buffering=0) as memory:
        memory.seek(asked.arguments[1])
        return int(_NETLINK.unpack(memory.read(_NETLINK.size))[1])


def _target(thread: int, fd: int) -> str:
    try:
        return str(Path(f"/proc/{thread}/fd/{fd & 0xFFFFFFFF}").readlink())
    except FileNotFoundError:
        return ""
