# SPDX-License-Identifier: GPL-2.0-only
"""Calls of kernel functions (kfuncs), which bcc cannot name.

The C calls a number that no helper has; here the call becomes one of the kernel's own function, by its id in
the kernel's BTF (BPF_PSEUDO_KFUNC_CALL, include/uapi/linux/bpf.h).
"""

from dataclasses import dataclass

from netvsc_bpf.kernel.bpf.btf import Btf
from netvsc_bpf.kernel.bpf.instructions import INSTRUCTION

_CALL = 0x85
"""BPF_JMP | BPF_CALL"""
_PSEUDO_KFUNC_CALL = 2
_PLACEHOLDER = 0x6E76_0001
"""Far beyond the helpers' numbers, and never to be seen by the verifier."""


@dataclass(frozen=True, slots=True)
class ReadOnlyCast:
    """bpf_rdonly_cast() to struct net_device, by which ebpf/device.h reads without a helper call.

    Linux 6.2 has it. `function` and `net_device` are ids in the kernel's BTF.
    """

    function: int
    net_device: int

    @classmethod
    def of_kernel(cls, btf: Btf) -> "ReadOnlyCast | None":
        """Return what the kernel offers, None where it has no such function."""
        function = btf.function("bpf_rdonly_cast")
        return None if function is None else cls(function, btf.struct("net_device"))

    @classmethod
    def of_macros(cls, macros: dict[str, int]) -> "ReadOnlyCast | None":
        """Return what these macros were made from, None where they know of none."""
        if not macros.get("RDONLY_CAST_TYPE"):
            return None
        return cls(macros["RDONLY_CAST_FUNCTION"], macros["RDONLY_CAST_TYPE"])

    @property
    def macros(self) -> dict[str, int]:
        """Return what ebpf/device.h is told."""
        return {
            "RDONLY_CAST_FUNCTION": self.function,
            "RDONLY_CAST_TYPE": self.net_device,
            "RDONLY_CAST_PLACEHOLDER": _PLACEHOLDER,
        }

    def named(self, code: bytes) -> bytes:
        """Return a program's instructions with the calls of the placeholder made calls of the function."""
        return b"".join(self._named(*insn) for insn in INSTRUCTION.iter_unpack(code))

    def _named(self, code: int, registers: int, offset: int, imm: int) -> bytes:
        if (code, imm) == (_CALL, _PLACEHOLDER):
            registers, imm = _PSEUDO_KFUNC_CALL << 4, self.function
        return INSTRUCTION.pack(code, registers, offset, imm)
