# SPDX-License-Identifier: GPL-2.0-only
"""Bindings to libbpf.so.1 through ctypes; bcc depends on that library already.

Every call returns the kernel's result or raises OSError with its errno; callers add the context.
"""

import ctypes
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from netvsc_bpf.kernel.bpf.instructions import INSTRUCTION
from netvsc_bpf.model.errors import BccMissing

_Info = TypeVar("_Info", bound=ctypes.Structure)

BPF_ANY = 0
_REPLACE = 1 << 2  # BPF_F_REPLACE
TCX_INGRESS = 46  # enum bpf_attach_type, include/uapi/linux/bpf.h, Linux 6.6
TCX_EGRESS = 47
XDP = 37
ARRAY = 2  # enum bpf_map_type
_LOG_BYTES = 1 << 18
SCHED_CLS_PROGRAM, XDP_PROGRAM, RAW_TRACEPOINT_PROGRAM, TRACING_PROGRAM = 3, 6, 17, 26  # enum bpf_prog_type
TRACE_FENTRY, TRACE_FEXIT = 24, 25


class LinkInfo(ctypes.Structure):
    """The beginning of struct bpf_link_info, with the part that tcx and xdp links have in common."""

    _fields_ = [
        ("type", ctypes.c_uint32),
        ("id", ctypes.c_uint32),
        ("prog_id", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
        ("ifindex", ctypes.c_uint32),
        ("attach_type", ctypes.c_uint32),
        ("rest", ctypes.c_uint8 * 64),
    ]


class MapInfo(ctypes.Structure):
    """The beginning of struct bpf_map_info."""

    _fields_ = [
        ("type", ctypes.c_uint32),
        ("id", ctypes.c_uint32),
        ("key_size", ctypes.c_uint32),
        ("value_size", ctypes.c_uint32),
        ("max_entries", ctypes.c_uint32),
        ("map_flags", ctypes.c_uint32),
        ("name", ctypes.c_char * 16),
        ("ifindex", ctypes.c_uint32),
        ("btf_vmlinux_value_type_id", ctypes.c_uint32),
        ("netns_dev", ctypes.c_uint64),
        ("netns_ino", ctypes.c_uint64),
        ("btf_id", ctypes.c_uint32),
        ("btf_key_type_id", ctypes.c_uint32),
        ("btf_value_type_id", ctypes.c_uint32),
        ("rest", ctypes.c_uint8 * 32),
    ]


class ProgInfo(ctypes.Structure):
    """The beginning of struct bpf_prog_info."""

    _fields_ = [
        ("type", ctypes.c_uint32),
        ("id", ctypes.c_uint32),
        ("tag", ctypes.c_uint8 * 8),
        ("rest", ctypes.c_uint8 * 256),
    ]


class _ProgLoadOpts(ctypes.Structure):
    """The beginning of struct bpf_prog_load_opts (libbpf 1.0); libbpf accepts a shorter one by its sz."""

    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("attempts", ctypes.c_int),
        ("expected_attach_type", ctypes.c_int),
        ("prog_btf_fd", ctypes.c_uint32),
        ("prog_flags", ctypes.c_uint32),
        ("prog_ifindex", ctypes.c_uint32),
        ("kern_version", ctypes.c_uint32),
        ("attach_btf_id", ctypes.c_uint32),
        ("attach_prog_fd", ctypes.c_uint32),
        ("attach_btf_obj_fd", ctypes.c_uint32),
        ("fd_array", ctypes.c_void_p),
        ("func_info", ctypes.c_void_p),
        ("func_info_count_and_size", ctypes.c_uint32 * 2),
        ("line_info", ctypes.c_void_p),
        ("line_info_count_and_size", ctypes.c_uint32 * 2),
        ("log_level", ctypes.c_uint32),
        ("log_size", ctypes.c_uint32),
        ("log_buf", ctypes.c_void_p),
    ]


class _TestRunOpts(ctypes.Structure):
    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("data_in", ctypes.c_void_p),
        ("data_out", ctypes.c_void_p),
        ("data_size_in", ctypes.c_uint32),
        ("data_size_out", ctypes.c_uint32),
        ("ctx_in", ctypes.c_void_p),
        ("ctx_out", ctypes.c_void_p),
        ("ctx_size_in", ctypes.c_uint32),
        ("ctx_size_out", ctypes.c_uint32),
        ("retval", ctypes.c_uint32),
        ("repeat", ctypes.c_int),
        ("duration", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("cpu", ctypes.c_uint32),
        ("batch_size", ctypes.c_uint32),
    ]


class _LinkCreateOpts(ctypes.Structure):
    _fields_ = [("sz", ctypes.c_size_t), ("flags", ctypes.c_uint32), ("rest", ctypes.c_uint64 * 4)]


class _LinkUpdateOpts(ctypes.Structure):
    _fields_ = [("sz", ctypes.c_size_t), ("flags", ctypes.c_uint32), ("old_prog_fd", ctypes.c_uint32)]


@cache
def lib() -> ctypes.CDLL:
    """Return libbpf.so.1, loaded once. Raises BccMissing, because python3-bpfcc depends on it."""
    try:
        found = ctypes.CDLL("libbpf.so.1", use_errno=True)
    except OSError as error:
        raise BccMissing(
            "cannot load libbpf.so.1", str(error), "run `apt-get install python3-bpfcc`"
        ) from None
    found.libbpf_set_print(None)  # it writes warnings to stderr, beside the error that is raised
    found.bpf_link_create.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p]
    found.bpf_map_lookup_elem.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    found.bpf_map_update_elem.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64]
    found.bpf_map_delete_elem.argtypes = [ctypes.c_int, ctypes.c_void_p]
    found.bpf_map_create.argtypes = [ctypes.c_int, ctypes.c_char_p, *[ctypes.c_uint32] * 3, ctypes.c_void_p]
    found.bpf_btf_load.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p]
    found.bpf_prog_load.argtypes = [
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
    ]
    return found


def _checked(call: Callable[..., int], *arguments: Any) -> int:
    result = call(*arguments)
    if result < 0:
        # libbpf 1.x returns -errno and sets errno as well.
        number = ctypes.get_errno() or -result
        raise OSError(number, os.strerror(number))
    return result


def obj_get(path: Path | str) -> int:
    """Open a pin; the caller closes the descriptor. netvsc-bpf's pins are opened with pin_files.get()."""
    return _checked(lib().bpf_obj_get, os.fsencode(path))


def obj_pin(fd: int, path: Path | str) -> None:
    """Pin a map, program or link. netvsc-bpf's are pinned with pin_files.pin()."""
    _checked(lib().bpf_obj_pin, fd, os.fsencode(path))


def info(fd: int, kind: type[_Info]) -> _Info:
    """Return the kernel's description of an object (BPF_OBJ_GET_INFO_BY_FD)."""
    answer = kind()
    complete(fd, answer)
    return answer


def complete(fd: int, answer: ctypes.Structure) -> None:
    """Fill in an info structure that may contain pointers to arrays for the kernel to fill."""
    size = ctypes.c_uint32(ctypes.sizeof(answer))
    _checked(lib().bpf_obj_get_info_by_fd, fd, ctypes.byref(answer), ctypes.byref(size))


def map_lookup(fd: int, key: int, value: Any) -> None:
    """Read the entry of a u32 key into `value`."""
    _checked(lib().bpf_map_lookup_elem, fd, ctypes.byref(ctypes.c_uint32(key)), ctypes.byref(value))


def map_update(fd: int, key: int, value: Any) -> None:
    """Write the entry of a u32 key."""
    number = ctypes.c_uint32(key)
    _checked(lib().bpf_map_update_elem, fd, ctypes.byref(number), ctypes.byref(value), BPF_ANY)


def map_delete(fd: int, key: int) -> None:
    """Delete the entry of a u32 key."""
    _checked(lib().bpf_map_delete_elem, fd, ctypes.byref(ctypes.c_uint32(key)))


def array_create(name: str, value_size: int) -> int:
    """Create an array of one entry of `value_size` bytes and return its descriptor."""
    return map_create(ARRAY, name, (4, value_size, 1), None)


def map_create(kind: int, name: str, sizes: tuple[int, int, int], options: ctypes.Structure | None) -> int:
    """Create a map of an enum bpf_map_type and return its descriptor.

    `sizes` are those of key and value in bytes, and the number of entries; `options` is a struct
    bpf_map_create_opts.
    """
    more = None if options is None else ctypes.byref(options)
    return _checked(lib().bpf_map_create, kind, name.encode(), *sizes, more)


def btf_load(btf: bytes) -> int:
    """Load BTF into the kernel and return its descriptor."""
    return _checked(lib().bpf_btf_load, btf, len(btf), None)


def map_freeze(fd: int) -> None:
    """Have the kernel refuse every later write from userspace (BPF_MAP_FREEZE, Linux 5.2)."""
    _checked(lib().bpf_map_freeze, fd)


def prog_load(
    kind: int, name: str, code: bytes, *, attach_type: int = 0, btf_id: int = 0, flags: int = 0
) -> int:
    """Load instructions as a program of an enum bpf_prog_type and return its descriptor.

    `flags` are BPF_F_* of bpf_attr.prog_flags. Raises OSError with the verifier's errno.
    """
    options = _ProgLoadOpts(
        sz=ctypes.sizeof(_ProgLoadOpts),
        expected_attach_type=attach_type,
        prog_flags=flags,
        attach_btf_id=btf_id,
    )
    return _checked(lib().bpf_prog_load, *_program(kind, name, code), ctypes.byref(options))


def verifier_log(
    kind: int, name: str, code: bytes, *, attach_type: int = 0, btf_id: int = 0, flags: int = 0
) -> str:
    """Return the verifier's log for a program that it refuses; arguments as for prog_load()."""
    log = ctypes.create_string_buffer(_LOG_BYTES)
    options = _ProgLoadOpts(
        sz=ctypes.sizeof(_ProgLoadOpts),
        expected_attach_type=attach_type,
        prog_flags=flags,
        attach_btf_id=btf_id,
        log_level=1,
        log_size=len(log),
        log_buf=ctypes.addressof(log),
    )
    fd: int = lib().bpf_prog_load(*_program(kind, name, code), ctypes.byref(options))
    if fd >= 0:
        os.close(fd)
    return log.value.decode(errors="replace")


def _program(kind: int, name: str, code: bytes) -> tuple[int, bytes, bytes, bytes, int]:
    return kind, name.encode(), b"GPL", code, len(code) // INSTRUCTION.size


def link_create(prog_fd: int, ifindex: int, attach_type: int, flags: int = 0) -> int:
    """Attach a program to a device of this thread's network namespace and return the link's descriptor."""
    options = _LinkCreateOpts(sz=ctypes.sizeof(_LinkCreateOpts), flags=flags)
    return _checked(lib().bpf_link_create, prog_fd, ifindex, attach_type, ctypes.byref(options))


def link_update(link_fd: int, prog_fd: int, old_prog_fd: int) -> None:
    """Replace the program of a link atomically.

    Raises OSError: EPERM if it does not run the old one, ENOLINK if its device is gone.
    """
    options = _LinkUpdateOpts(sz=ctypes.sizeof(_LinkUpdateOpts), flags=_REPLACE, old_prog_fd=old_prog_fd)
    _checked(lib().bpf_link_update, link_fd, prog_fd, ctypes.byref(options))


def link_detach(link_fd: int) -> None:
    """Detach a link now, even if other descriptors or pins hold it."""
    _checked(lib().bpf_link_detach, link_fd)


def raw_tracepoint_open(name: str | None, prog_fd: int) -> int:
    """Attach a program to a raw tracepoint, or (name None) a tracing program to its own target."""
    encoded = None if name is None else name.encode()
    return _checked(lib().bpf_raw_tracepoint_open, encoded, prog_fd)


def test_run(
    prog_fd: int, data: bytes, context: Any, *, repeat: int = 1, flags: int = 0, batch_size: int = 0
) -> tuple[int, int]:
    """Run a program (BPF_PROG_TEST_RUN); return its result and the mean duration in ns.

    `flags` are BPF_F_TEST_*; `batch_size` is the number of frames per batch of BPF_F_TEST_XDP_LIVE_FRAMES.
    """
    buffer = ctypes.create_string_buffer(data, len(data))
    options = _TestRunOpts(
        sz=ctypes.sizeof(_TestRunOpts),
        data_in=ctypes.addressof(buffer),
        data_size_in=len(data),
        ctx_in=ctypes.addressof(context),
        ctx_size_in=ctypes.sizeof(context),
        repeat=repeat,
        flags=flags,
        batch_size=batch_size,
    )
    _checked(lib().bpf_prog_test_run_opts, prog_fd, ctypes.byref(options))
    return options.retval, options.duration
