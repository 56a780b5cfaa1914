# SPDX-License-Identifier: GPL-2.0-only
"""Probes kernel features by loading programs of a few instructions, without bcc.

A version number is not sufficient: fentry and probe_read_kernel depend on configuration, lockdown and
privilege. Each probe returns None if the kernel supports the feature, else why not, as the end of a sentence.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

from netvsc_bpf.kernel.bpf import libbpf
from netvsc_bpf.kernel.bpf.btf import Btf
from netvsc_bpf.kernel.bpf.instructions import instruction
from netvsc_bpf.kernel.bpf.offsets import kernel_offsets
from netvsc_bpf.kernel.hooks import tcx
from netvsc_bpf.kernel.process.errnos import is_transient
from netvsc_bpf.model.errors import KernelError, NetvscBpfError

_FENTRY_TARGET = b"call_netdevice_notifiers_info"
_PROBE_READ_KERNEL = 113  # enum bpf_func_id


_RETURN_0 = instruction(0xB7) + instruction(0x95)
_READ_NOTHING = (
    instruction(0xBF, dst=1, src=10)  # r1 = fp
    + instruction(0x07, dst=1, immediate=-8)  # r1 += -8
    + instruction(0xB7, dst=2, immediate=8)  # r2 = 8 bytes
    + instruction(0xB7, dst=3)  # r3 = NULL: the read fails, but only whether it is permitted matters
    + instruction(0x85, immediate=_PROBE_READ_KERNEL)
    + _RETURN_0
)


def why_no_tc() -> str | None:
    """Return why a tc program cannot be loaded."""
    try:
        with _loaded(libbpf.SCHED_CLS_PROGRAM, _RETURN_0):
            return None
    except OSError as error:
        return f"a tc program cannot be loaded ({error.strerror})"


def why_no_tcx() -> str | None:
    """Return why tcx links are not available."""
    try:
        with _loaded(libbpf.SCHED_CLS_PROGRAM, _RETURN_0) as program:
            return None if tcx.supported(program) else "this kernel has no tcx (requires 6.6 or later)"
    except OSError as error:
        return f"a tc program cannot be loaded ({error.strerror})"


def why_no_fentry() -> str | None:
    """Return why the sentinel cannot be attached, by attaching a program that does nothing.

    Raises KernelError for transient failures (process/errnos.py).
    """
    try:
        target = _function_id(_FENTRY_TARGET)
        with _loaded(libbpf.TRACING_PROGRAM, _RETURN_0, libbpf.TRACE_FENTRY, target) as program:
            os.close(libbpf.raw_tracepoint_open(None, program))
    except NetvscBpfError as error:
        return error.why
    except OSError as error:
        if is_transient(error):
            raise KernelError("cannot probe for fentry", str(error.strerror), errno=error.errno) from error
        return f"the kernel refuses fentry programs ({error.strerror})"
    return None


def why_no_live_read() -> str | None:
    """Return why steer cannot read the state of the VF's net_device."""
    try:
        with Btf.of_kernel() as btf:
            kernel_offsets(btf)
        with _loaded(libbpf.SCHED_CLS_PROGRAM, _READ_NOTHING):
            return None
    except NetvscBpfError as error:
        return error.why
    except OSError as error:
        return f"the kernel refuses bpf_probe_read_kernel ({error.strerror})"


def _function_id(name: bytes) -> int:
    library = libbpf.lib()
    library.libbpf_find_vmlinux_btf_id.argtypes = [ctypes.c_char_p, ctypes.c_int]
    found: int = library.libbpf_find_vmlinux_btf_id(name, libbpf.TRACE_FENTRY)
    if found < 0:
        raise OSError(-found, f"{name.decode()} is not in its BTF")
    return found


@contextmanager
def _loaded(kind: int, program: bytes, attach_type: int = 0, btf_id: int = 0) -> Iterator[int]:
    """Load a program for the block. Raises OSError with the verifier's errno."""
    try:
        fd = libbpf.prog_load(kind, "probe", program, attach_type=attach_type, btf_id=btf_id)
    except PermissionError as error:
        raise PermissionError(error.errno, "not permitted") from None
    try:
        yield fd
    finally:
        os.close(fd)
