# SPDX-License-Identifier: GPL-2.0-only
"""The marks of synthetic NICs that their manager followed into another network namespace.

A mark says where the manager is, and where the NIC's VF was fetched from, so that whoever detaches, or a
manager that begins anew, knows what to look after and what to put back. It is a symbolic link in our folder
in bpffs that leads nowhere; its text is the mark. Nothing else in bpffs takes a text that is ours.

    <inode>:<cookie> of the manager's namespace / cookie of this one / name at home [/ the fetched VF]
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
"""So many characters of a name stay when another has it already."""


@dataclass(frozen=True, slots=True)
class MovedVf:
    """A VF that was fetched from the manager's namespace, and how it was there: a move undoes these."""

    ifindex: int
    """In the namespace that it was fetched to; 0 until it is known to have arrived."""
    name: str
    mac: str
    up: bool
    addr_gen_mode: int | None
    ipv6_disabled: bool | None


@dataclass(frozen=True, slots=True)
class MovedNic:
    """One synthetic NIC, by its ifindex in the namespace that it visits (`here`)."""

    ifindex: int
    here: NetnsHandle
    home: NetnsHandle
    name: str
    """What it was called at home."""
    vf: MovedVf | None = None


def moved_nics(pins: NetnsPins) -> list[MovedNic]:
    """Return the visitors of one namespace."""
    try:
        names = pin_files.names(pins.moved_nics)
    except FileNotFoundError:
        return []
    found = (_read(pins, pins.moved_nics / name) for name in names if name.isdecimal())
    return [visitor for visitor in found if visitor is not None]


def moved_nics_of(home: NetnsHandle, bpffs: Path = BPFFS) -> list[MovedNic]:
    """Return the visitors in all namespaces that the manager of `home` looks after."""
    root = NetnsPins(0, bpffs).root
    try:
        inodes = sorted(int(folder) for folder in pin_files.names(root) if folder.isdecimal())
    except FileNotFoundError:
        return []
    everyone = (one for inode in inodes for one in moved_nics(NetnsPins(inode, bpffs)))
    return [one for one in everyone if one.home == home]


def moved_nic(pins: NetnsPins, ifindex: int) -> MovedNic | None:
    """Return the mark of one NIC, None where it is no visitor."""
    return _read(pins, pins.moved_nics / str(ifindex))


def note(visitor: MovedNic, bpffs: Path = BPFFS) -> None:
    """Write a mark, in the place of an earlier one; the caller holds the writer lock."""
    pins = NetnsPins(visitor.here.inode, bpffs)
    for folder in (pins.home, pins.moved_nics):
        pin_files.make_folder(folder)
    new = pins.moved_nics / _NEW
    pin_files.unlink(new)
    pin_files.make_symlink(encode(visitor), new)
    pin_files.rename(new, pins.moved_nics / str(visitor.ifindex))


def note_vf(visitor: MovedNic, vf: MovedVf | None) -> MovedNic:
    """Write that this VF was fetched, or that it is not here any more."""
    noted = replace(visitor, vf=vf)
    note(noted)
    return noted


def remove_mark(pins: NetnsPins, ifindex: int) -> None:
    """Remove a mark; nothing happens where there is none."""
    pin_files.unlink(pins.moved_nics / str(ifindex))
    if pin_files.exists(pins.moved_nics) and not moved_nics(pins):
        pin_files.unlink(pins.moved_nics / _NEW)
        pin_files.remove_folder(pins.moved_nics)


def remove_unreadable_marks(pins: NetnsPins) -> None:
    """Remove what stands among the marks and is none."""
    if not pin_files.exists(pins.moved_nics):
        return
    for name in pin_files.names(pins.moved_nics):
        if not name.isdecimal() or _read(pins, pins.moved_nics / name) is None:
            pin_files.unlink(pins.moved_nics / name)
    if not pin_files.names(pins.moved_nics):
        pin_files.remove_folder(pins.moved_nics)


def encode(visitor: MovedNic) -> str:
    """Return the text of a mark. Pure."""
    parts = [f"{visitor.home.inode}:{visitor.home.cookie}", str(visitor.here.cookie), visitor.name]
    if visitor.vf is not None:
        vf = visitor.vf
        known = (vf.ifindex, int(vf.up), vf.addr_gen_mode, vf.ipv6_disabled)
        parts += [":".join("" if one is None else str(int(one)) for one in known), vf.mac, vf.name]
    return "/".join(parts)


def decode(text: str, ifindex: int, inode: int) -> MovedNic | None:
    """Return what a mark of this NIC in the namespace of this inode says; None where it is none. Pure."""
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
        if error.errno not in (errno.ENOENT, errno.EINVAL):  # EINVAL: no symlink
            raise
        return None


def free_name(wanted: Iterable[str], taken: set[str]) -> str:
    """Return the first of these names that nobody has, or one made of the first. Pure.

    A name of an interface has 15 characters at most (IFNAMSIZ).
    """
    names = list(wanted)
    made = (f"{names[0][:_KEPT]}_{number}" for number in range(1000))
    return next(name for name in (*names, *made) if name not in taken)


def may_be_called(name: str, once: str) -> bool:
    """Say whether free_name() could have made this name of a NIC that was called `once`. Pure."""
    return name == once or name.startswith(f"{once[:_KEPT]}_")
