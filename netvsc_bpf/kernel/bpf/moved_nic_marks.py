# SPDX-License-Identifier: GPL-2.0-only
"""Marks of synthetic NICs that their manager followed into another network namespace.

A mark records the manager's namespace and the VF that was fetched from there, so that `detach`, or a
restarted manager, knows which NICs to manage and what to restore. It is a dangling symlink in netvsc-bpf's
folder in bpffs, whose text is the mark: bpffs offers no other way to store text.

    <inode>:<cookie> of the manager's namespace / cookie of this one / original name [/ the fetched VF]
"""

import errno
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from netvsc_bpf.kernel.bpf import pin_files
from netvsc_bpf.kernel.bpf.pin_layout import BPFFS, NetnsPins
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle

_NEW = "new"
_KEPT = 11
"""The number of characters of a name that are kept if the name is taken."""


@dataclass(frozen=True, slots=True)
class MovedVf:
    """A VF that was fetched from the manager's namespace, and its settings there, which a move resets."""

    ifindex: int
    """In the namespace that it was fetched to; 0 until its arrival is recorded."""
    name: str
    mac: str
    up: bool
    addr_gen_mode: int | None
    ipv6_disabled: bool | None


@dataclass(frozen=True, slots=True)
class MovedNic:
    """One moved synthetic NIC, by its ifindex in the namespace that it is in (`here`)."""

    ifindex: int
    here: NetnsHandle
    home: NetnsHandle
    """The namespace that it came from, where its manager runs."""
    name: str
    """Its name in `home`."""
    vf: MovedVf | None = None


def moved_nics(pins: NetnsPins) -> list[MovedNic]:
    """Return the NICs that moved into one namespace."""
    try:
        names = pin_files.names(pins.moved_nics)
    except FileNotFoundError:
        return []
    found = (_read(pins, pins.moved_nics / name) for name in names if name.isdecimal())
    return [moved for moved in found if moved is not None]


def moved_nics_of(home: NetnsHandle, bpffs: Path = BPFFS) -> list[MovedNic]:
    """Return the moved NICs in all namespaces that belong to the manager of `home`."""
    root = NetnsPins(0, bpffs).root
    try:
        inodes = sorted(int(folder) for folder in pin_files.names(root) if folder.isdecimal())
    except FileNotFoundError:
        return []
    every = (one for inode in inodes for one in moved_nics(NetnsPins(inode, bpffs)))
    return [one for one in every if one.home == home]


def moved_nic(pins: NetnsPins, ifindex: int) -> MovedNic | None:
    """Return the mark of one NIC, None if it has none."""
    return _read(pins, pins.moved_nics / str(ifindex))


def note(moved: MovedNic, bpffs: Path = BPFFS) -> None:
    """Write a mark, replacing an earlier one; the caller holds the writer lock."""
    pins = NetnsPins(moved.here.inode, bpffs)
    for folder in (pins.home, pins.moved_nics):
        pin_files.make_folder(folder)
    new = pins.moved_nics / _NEW
    pin_files.unlink(new)
    pin_files.make_symlink(encode(moved), new)
    pin_files.rename(new, pins.moved_nics / str(moved.ifindex))


def note_vf(moved: MovedNic, vf: MovedVf | None) -> MovedNic:
    """Record that this VF was fetched, or with None that it was moved back."""
    noted = replace(moved, vf=vf)
    note(noted)
    return noted


def remove_mark(pins: NetnsPins, ifindex: int) -> None:
    """Remove a mark; does nothing if there is none."""
    pin_files.unlink(pins.moved_nics / str(ifindex))
    if pin_files.exists(pins.moved_nics) and not moved_nics(pins):
        pin_files.unlink(pins.moved_nics / _NEW)
        pin_files.remove_folder(pins.moved_nics)


def remove_unreadable_marks(pins: NetnsPins) -> None:
    """Remove entries of the folder that are not marks."""
    if not pin_files.exists(pins.moved_nics):
        return
    for name in pin_files.names(pins.moved_nics):
        if not name.isdecimal() or _read(pins, pins.moved_nics / name) is None:
            pin_files.unlink(pins.moved_nics / name)
    if not pin_files.names(pins.moved_nics):
        pin_files.remove_folder(pins.moved_nics)


def encode(moved: MovedNic) -> str:
    """Return the text of a mark. Pure."""
    parts = [f"{moved.home.inode}:{moved.home.cookie}", str(moved.here.cookie), moved.name]
    if moved.vf is not None:
        vf = moved.vf
        known = (vf.ifindex, int(vf.up), vf.addr_gen_mode, vf.ipv6_disabled)
        parts += [":".join("" if one is None else str(int(one)) for one in known), vf.mac, vf.name]
    return "/".join(parts)


def decode(text: str, ifindex: int, inode: int) -> MovedNic | None:
    """Parse the mark of this NIC in the namespace with this inode; None if the text is not a mark. Pure."""
    parts = text.split("/")
    try:
        home_inode, home_cookie = map(int, parts[0].split(":"))
        here, name, rest = int(parts[1]), parts[2], parts[3:]
        return MovedNic(
            ifindex,
            NetnsHandle(inode, here),
            NetnsHandle(home_inode, home_cookie),
            name,
            _vf(*rest) if rest else None,
        )
    except (ValueError, IndexError, TypeError):
        return None


def _vf(known: str, mac: str, name: str) -> MovedVf:
    ifindex, up, mode, disabled = (None if not one else int(one) for one in known.split(":"))
    return MovedVf(ifindex or 0, name, mac, bool(up), mode, None if disabled is None else bool(disabled))


def _read(pins: NetnsPins, path: Path) -> MovedNic | None:
    try:
        return decode(pin_files.read_symlink(path), int(path.name), pins.inode)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EINVAL):  # EINVAL: not a symlink
            raise
        return None


def free_name(wanted: Iterable[str], taken: set[str]) -> str:
    """Return the first of these names that is not taken, or one derived from the first. Pure.

    Names of interfaces have at most 15 characters (IFNAMSIZ).
    """
    names = list(wanted)
    made = (f"{names[0][:_KEPT]}_{number}" for number in range(1000))
    return next(name for name in (*names, *made) if name not in taken)


def may_be_called(name: str, once: str) -> bool:
    """Return whether free_name() could have derived this name from `once`. Pure."""
    return name == once or name.startswith(f"{once[:_KEPT]}_")
