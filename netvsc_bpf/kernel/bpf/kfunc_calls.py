# SPDX-License-Identifier: GPL-2.0-only
"""Patches calls of kernel functions (kfuncs) into programs, because bcc cannot reference kfuncs.

The C calls a helper number that does not exist; here it becomes a call of the kernel function, by its id in
the kernel's BTF (BPF_PSEUDO_KFUNC_CALL, include/uapi/linux/bpf.h).
"""

from dataclasses import dataclass

from netvsc_bpf.kernel.bpf.btf import Btf
from netvsc_bpf.kernel.bpf.instructions import INSTRUCTION

_CALL = 0x85
"""BPF_JMP | BPF_CALL"""
_PSEUDO_KFUNC_CALL = 2
_PLACEHOLDER = 0x6E76_0001
"""Far beyond the numbers of helpers; the verifier never sees it."""


@dataclass(frozen=True, slots=True)
class ReadOnlyCast:
    """bpf_rdonly_cast() to struct net_device, with which ebpf/device.h reads without a helper call.

    Available since Linux 6.2. `function` and `net_device` are ids in the kernel's BTF.
    """

    function: int
    net_device: int

    @classmethod
    def of_kernel(cls, btf: Btf) -> "ReadOnlyCast | None":
        """Return the ids in this kernel, None if it has no such function."""
        function = btf.function("bpf_rdonly_cast")
        return None if function is None else cls(function, btf.struct("net_device"))

    @classmethod
    def of_macros(cls, macros: dict[str, int]) -> "ReadOnlyCast | None":
        """Return the ids in these macros, None if they have none."""
        if not macros.get("RDONLY_CAST_TYPE"):
            return None
        return cls(macros["RDONLY_CAST_FUNCTION"], macros["RDONLY_CAST_TYPE"])

    @property
    def macros(self) -> dict[str, int]:
        """Return the macros of ebpf/device.h."""
        return {
            "RDONLY_CAST_FUNCTION": self.function,
            "RDONLY_CAST_TYPE": self.net_device,
            "RDONLY_CAST_PLACEHOLDER": _PLACEHOLDER,
        }

    def named(self, code: bytes) -> bytes:
        """Return a program's instructions with calls of the placeholder replaced by calls of the function."""
        return b"".join(self._named(*insn) for insn in INSTRUCTION.iter_unpack(code))

    def _named(self, code: int, registers: int, offset: int, imm: int) -> bytes:
        if (code, imm) == (_CALL, _PLACEHOLDER):
            registers, imm = _PSEUDO_KFUNC_CALL << 4, self.function
        return INSTRUCTION.pack(code, registers, offset, imm)
