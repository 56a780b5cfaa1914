# SPDX-License-Identifier: GPL-2.0-only
"""Computes the build number: a digest of the sources of the programs.

It is stored in the map `layout`. Different numbers mean different programs, not which are newer.
"""

import hashlib

from netvsc_bpf.kernel.bpf import abi, map_addresses, subprograms, xdp_fragments
from netvsc_bpf.kernel.bpf.offsets import offsets_for
from netvsc_bpf.kernel.compile import bundle
from netvsc_bpf.model.path import Liveness


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
    folder = bundle.sources_dir()
    text = bundle.bundle(folder, bundle.sources_of(liveness))
    return build_number(text, bundle.replacement_headers(folder), macros_for(liveness))
