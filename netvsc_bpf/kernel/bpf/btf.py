# SPDX-License-Identifier: GPL-2.0-only
"""Reads BTF: the offsets of structure members that the programs access."""

import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass

from netvsc_bpf.kernel.bpf.libbpf import lib
from netvsc_bpf.model.errors import NoBtf

_KIND_STRUCT = 4
_KIND_UNION = 5
_KIND_ENUM = 6
_KIND_FUNC = 12
_REMEDY = (
    "use a kernel with CONFIG_DEBUG_INFO_BTF, or leave the failover to a running manager: --liveness netlink"
)


class _Type(ctypes.Structure):
    """struct btf_type, include/uapi/linux/btf.h."""

    _fields_ = [("name_off", ctypes.c_uint32), ("info", ctypes.c_uint32), ("size", ctypes.c_uint32)]


class _Member(ctypes.Structure):
    """struct btf_member."""

    _fields_ = [("name_off", ctypes.c_uint32), ("type", ctypes.c_uint32), ("offset", ctypes.c_uint32)]


class _Enumerator(ctypes.Structure):
    """struct btf_enum."""

    _fields_ = [("name_off", ctypes.c_uint32), ("value", ctypes.c_int32)]


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a structure: its offset and size in bytes, and the name of its type ("": none)."""

    offset: int
    size: int
    type_name: str
    bit: int = 0
    """For a bitfield: its lowest bit in the byte at `offset`, on a little-endian machine."""


class Btf:
    """The BTF of the kernel or of a loaded object. Close it after use."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._lib = lib()
        self._lib.btf__type_by_id.restype = ctypes.c_void_p
        self._lib.btf__type_by_id.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        self._lib.btf__name_by_offset.restype = ctypes.c_char_p
        self._lib.btf__name_by_offset.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        self._lib.btf__find_by_name_kind.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32]
        self._lib.btf__resolve_size.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        self._lib.btf__resolve_size.restype = ctypes.c_int64
        self._lib.btf__free.argtypes = [ctypes.c_void_p]

    @classmethod
    def of_kernel(cls) -> "Btf":
        """Load the BTF of the running kernel; raises NoBtf if it has none."""
        return cls(_load("btf__load_vmlinux_btf", "the kernel has no BTF"))

    @classmethod
    def of_object(cls, btf_id: int) -> "Btf":
        """Load the BTF of a loaded map or program (bpf_map_info.btf_id)."""
        return cls(
            _load("btf__load_from_kernel_by_id", f"BTF {btf_id} cannot be read", ctypes.c_uint32(btf_id))
        )

    def __enter__(self) -> "Btf":
        return self

    def __exit__(self, *_: object) -> None:
        self._lib.btf__free(self._handle)

    def members(self, struct: str) -> dict[str, Member]:
        """Return the members of a structure.

        Members of anonymous structs and unions in it are included.
        """
        return dict(self._members(self._find(struct, _KIND_STRUCT), 0))

    def function(self, name: str) -> int | None:
        """Return the id of a function's type, None if there is none of that name."""
        found: int = self._lib.btf__find_by_name_kind(self._handle, name.encode(), _KIND_FUNC)
        return found if found > 0 else None

    def struct(self, name: str) -> int:
        """Return the id of a structure's type. Raises NoBtf."""
        return self._find(name, _KIND_STRUCT)

    def size(self, struct: str) -> int:
        """Return the size of a structure in bytes."""
        return int(self._type(self._find(struct, _KIND_STRUCT)).size)

    def enumerators(self, enum: str) -> dict[str, int]:
        """Return the names and values of an enum."""
        type_id = self._find(enum, _KIND_ENUM)
        count = self._type(type_id).info & 0xFFFF
        address = self._address(type_id) + ctypes.sizeof(_Type)
        return {self._name(item.name_off): item.value for item in (_Enumerator * count).from_address(address)}

    def _members(self, type_id: int, base: int) -> Iterator[tuple[str, Member]]:
        info = self._type(type_id).info
        count, bitfields = info & 0xFFFF, bool(info >> 31)
        address = self._address(type_id) + ctypes.sizeof(_Type)
        for member in (_Member * count).from_address(address):
            bits = member.offset & 0xFFFFFF if bitfields else member.offset
            offset = base + bits // 8
            name = self._name(member.name_off)
            if name:
                yield (
                    name,
                    Member(
                        offset,
                        self._lib.btf__resolve_size(self._handle, member.type),
                        self._named(member.type),
                        bits % 8,
                    ),
                )
            elif (self._type(member.type).info >> 24) & 0x1F in (_KIND_STRUCT, _KIND_UNION):
                yield from self._members(member.type, offset)

    def _find(self, name: str, kind: int) -> int:
        found: int = self._lib.btf__find_by_name_kind(self._handle, name.encode(), kind)
        if found < 0:
            raise NoBtf("cannot read kernel structures", f"the kernel's BTF has no {name}", _REMEDY)
        return found

    def _address(self, type_id: int) -> int:
        address: int = self._lib.btf__type_by_id(self._handle, type_id)
        return address

    def _type(self, type_id: int) -> _Type:
        return _Type.from_address(self._address(type_id))

    def _named(self, type_id: int) -> str:
        return self._name(self._type(type_id).name_off)

    def _name(self, offset: int) -> str:
        raw: bytes = self._lib.btf__name_by_offset(self._handle, offset)
        return raw.decode()


def _load(function: str, why: str, *arguments: object) -> int:
    call = getattr(lib(), function)
    call.restype = ctypes.c_void_p
    handle: int | None = call(*arguments)
    if not handle:
        number = ctypes.get_errno()
        raise NoBtf("cannot read kernel structures", f"{why} ({os.strerror(number)})", _REMEDY)
    return handle
