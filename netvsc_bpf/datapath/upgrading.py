# SPDX-License-Identifier: GPL-2.0-only
"""Bringing what is attached to the programs of this version: under traffic, with counters going on."""

from dataclasses import dataclass

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.kernel import change_over
from netvsc_bpf.kernel.build import own_build
from netvsc_bpf.kernel.loader import load_programs
from netvsc_bpf.kernel.objects import LoadedObject


@dataclass(frozen=True, slots=True)
class Upgraded:
    """Builds, see netvsc_bpf/kernel/build.py. An upgrade may go backwards."""

    before: int
    now: int


def is_of_another_build(loaded: LoadedObject) -> bool:
    """Tell whether the programs were built from other sources than ours. Raises NoBtf."""
    return loaded.build != own_build(loaded.liveness)


def upgrade(session: Session, loaded: LoadedObject) -> Upgraded | None:
    """Put our programs in place of those of another build; return None where they are ours.

    The caller holds the lock, and opens the object anew afterwards: `loaded` may have the old programs open.
    Raises CompileError, BccMissing, NoBtf, NotSupported, KernelError; the old programs go on working then.
    """
    before = loaded.build
    if not is_of_another_build(loaded):
        return None
    now = load_programs(session.pins, loaded.liveness, session.lock_fd)
    change_over.finish(session.pins, session.rtnl, [nic.ifindex for nic in session.nics])
    return Upgraded(before, now)
