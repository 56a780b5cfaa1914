# SPDX-License-Identifier: GPL-2.0-only
"""The compiler's input, and the build number: a digest of it.

The number is stored in the map `layout`. Different numbers mean different programs, not which are newer.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.kernel.bpf import abi, map_addresses, subprograms, xdp_fragments
from netvsc_bpf.kernel.bpf.offsets import offsets_for
from netvsc_bpf.kernel.compile import bundle
from netvsc_bpf.model.path import Liveness


@dataclass(frozen=True, slots=True)
class CompilerInput:
    """What the programs of a fallback level are compiled from on this machine."""

    sources: Path
    """The folder of the headers that the text includes."""
    text: str
    replacement_headers: str
    macros: dict[str, int]

    @property
    def build(self) -> int:
        """The build number."""
        return build_number(self.text, self.replacement_headers, self.macros)


def compiler_input(liveness: Liveness) -> CompilerInput:
    """Return the installed sources for this kernel. Raises NoBtf, KernelError."""
    folder = bundle.sources_dir()
    text = bundle.bundle(folder, bundle.sources_of(liveness))
    return CompilerInput(folder, text, bundle.replacement_headers(folder), macros_for(liveness))


def macros_for(liveness: Liveness) -> dict[str, int]:
    """Return the macros that a fallback level is compiled with on this machine. Raises NoBtf, KernelError."""
    facts = offsets_for(liveness) | map_addresses.macros() | subprograms.macros() | xdp_fragments.macros()
    return facts | {"RUNG": abi.LIVENESSES.index(liveness)}


def build_number(text: str, replacement_headers: str, macros: dict[str, int]) -> int:
    """Return 32 bits of the SHA-256 of the compiler's input; never 0, which means unknown. Pure."""
    facts = repr((text, replacement_headers, sorted(macros.items())))
    return int.from_bytes(hashlib.sha256(facts.encode()).digest()[:4]) or 1


def own_build(liveness: Liveness) -> int:
    """Return the build number of the installed sources on this kernel. Raises NoBtf, KernelError."""
    return compiler_input(liveness).build
