# SPDX-License-Identifier: GPL-2.0-only
"""Opens the programs and maps of this namespace, and loads them if they are not loaded yet."""

from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.upgrade import upgrade
from netvsc_bpf.kernel.bpf import pin_files, pins
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.compile.child_process import CompileChild
from netvsc_bpf.kernel.compile.load_object import load_object
from netvsc_bpf.model.errors import Refused
from netvsc_bpf.model.path import Liveness


def upgraded_or_load(
    session: Session, liveness: Liveness | None, early: CompileChild | None = None
) -> LoadedObject:
    """Return the object of this namespace as loaded_or_load() does, with the programs of this version."""
    loaded = _loaded(session, liveness)
    if loaded is None:
        return _load(session, liveness, early)
    try:
        if upgrade(session, loaded) is None:
            return loaded
    except BaseException:
        loaded.close()
        raise
    loaded.close()
    return LoadedObject(session.pins)


def loaded_or_load(session: Session, liveness: Liveness | None) -> LoadedObject:
    """Return the object of this namespace; the caller holds the lock and closes it.

    Raises ForeignLayout, CompileError, NoBtf, BccMissing, NotSupported, or Refused if another fallback level
    is in use.
    """
    return _loaded(session, liveness) or _load(session, liveness)


def _load(session: Session, liveness: Liveness | None, early: CompileChild | None = None) -> LoadedObject:
    load_object(session.pins, liveness, early)
    return LoadedObject(session.pins)


def _loaded(session: Session, liveness: Liveness | None) -> LoadedObject | None:
    """Return what is loaded; None where nothing is. Raises Refused where another level is in use."""
    if not pin_files.exists(session.pins.object):
        return None
    loaded = LoadedObject(session.pins)
    if loaded.stale:
        loaded.close()
        _remove_stale(session)
        return None
    try:
        refuse_other_level(loaded, liveness)
    except Refused:
        loaded.close()
        raise
    return loaded


def refuse_other_level(loaded: LoadedObject, liveness: Liveness | None) -> None:
    """Raise Refused if another fallback level was asked for than the one in use."""
    if liveness not in (None, loaded.liveness):
        raise Refused(
            f"cannot use --liveness {liveness}",
            f"this namespace is attached with {loaded.liveness}",
            "run `netvsc-bpf detach --all` first",
        )


def _remove_stale(session: Session) -> None:
    """Remove the pins of an earlier namespace with the same inode number.

    Its devices are gone with it.
    """
    for ifindex in session.attached():
        pins.remove_tree(session.pins, session.pins.pair(ifindex))
    pins.remove_tree(session.pins, session.pins.object)
