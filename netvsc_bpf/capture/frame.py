# SPDX-License-Identifier: GPL-2.0-only
"""A frame of a pair."""

from dataclasses import dataclass

from netvsc_bpf.model.path import Path


@dataclass(frozen=True, slots=True)
class Interface:
    """The interface whose wire a frame was on. A VF that comes back or is renamed is another interface."""

    ifindex: int
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Sighting:
    """One frame as captured by one tap."""

    at: int
    """Nanoseconds since 1970."""
    interface: Interface
    outgoing: bool
    data: bytes
    length: int
    """Bytes of the whole frame; ``data`` may hold less of it."""
