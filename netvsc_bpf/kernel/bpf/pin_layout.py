# SPDX-License-Identifier: GPL-2.0-only
"""The paths of all pins. No I/O.

::

    /sys/fs/bpf/netvsc-bpf/
        <netns inode>/
            object/maps/<map>  object/programs/<program>  object/templates/<program>  object/sentinel/<hook>
            pair_<synthetic ifindex>/steer  home  guard    the links
            pair_<synthetic ifindex>/programs/<program>    the pair's own copies
            pair_<synthetic ifindex>/drain    start, reason and owner of its drain: a map
            pair_<synthetic ifindex>/offloads    what generic XDP has switched off: a map
            pair_<synthetic ifindex>/chosen   the options that `attach` was given: a map
            visitors/<synthetic ifindex>   mark of a NIC that moved here, followed by its manager: a symlink
            upgrading_<build>/programs/  templates/  sentinel/  pair_<...>/programs/   during a replacement

        manager_<netns inode>/socket   locked by the manager; a symlink, its text is the name of its socket

bpffs reserves names with a dot (kernel/bpf/inode.c, bpf_lookup), hence the underscores.
"""

import re
from dataclasses import dataclass
from pathlib import Path

BPFFS = Path("/sys/fs/bpf")
ROOT_NAME = "netvsc-bpf"
_PAIR_PREFIX = "pair_"
_MANAGER_PREFIX = "manager_"
_LOADING_PREFIX = "loading_"
_UPGRADING_PREFIX = "upgrading_"
_UPGRADING = re.compile(rf"{_UPGRADING_PREFIX}([0-9a-f]{{8}})")


@dataclass(frozen=True, slots=True)
class NetnsPins:
    """The pins of one network namespace, named by the inode of /proc/self/ns/net."""

    inode: int
    bpffs: Path = BPFFS

    @property
    def root(self) -> Path:
        """netvsc-bpf's folder in bpffs; nothing outside it is ever created or removed."""
        return self.bpffs / ROOT_NAME

    @property
    def home(self) -> Path:
        """The folder of this network namespace."""
        return self.root / str(self.inode)

    @property
    def claim(self) -> Path:
        """The folder that the manager of this network namespace holds locked (kernel/bpf/claim_lock.py)."""
        return self.root / f"{_MANAGER_PREFIX}{self.inode}"

    @property
    def object(self) -> Path:
        """Maps, programs and sentinel links: loaded once for all pairs of the namespace."""
        return self.home / "object"

    def inode_of(self, name: str) -> int | None:
        """Return the inode of the namespace that a folder of the root belongs to, None for any other name."""
        return _number(name.removeprefix(_MANAGER_PREFIX))

    def loading(self, pid: int) -> Path:
        """Return the folder in which a loader pins, which is then renamed to `object`."""
        return self.home / f"{_LOADING_PREFIX}{pid}"

    def is_loading(self, folder: str) -> bool:
        """Return whether a folder name is that of a loader."""
        return folder.startswith(_LOADING_PREFIX)

    def upgrading(self, build: int) -> Path:
        """Return the folder of programs that will replace those of `object`."""
        return self.home / f"{_UPGRADING_PREFIX}{build:08x}"

    def upgrading_build(self, folder: str) -> int | None:
        """Return the build in the name of such a folder, None for another folder."""
        found = _UPGRADING.fullmatch(folder)
        return None if found is None else int(found[1], 16)

    def map(self, name: str) -> Path:
        """Return the pin of a map."""
        return self.object / "maps" / name

    def program(self, name: str) -> Path:
        """Return the pin of a program."""
        return self.object / "programs" / name

    @property
    def sentinel(self) -> Path:
        """The folder of the sentinel's links."""
        return self.object / "sentinel"

    def pair(self, ifindex: int) -> Path:
        """Return the folder of the links of one pair, named by its synthetic NIC."""
        # As one string: five pathlib operations for each of 64 pairs take a large part of a scrape.
        return Path(f"{self.bpffs}/{ROOT_NAME}/{self.inode}/{_PAIR_PREFIX}{ifindex}")

    @property
    def moved_nics(self) -> Path:
        """The folder `visitors`: marks of NICs that moved here (kernel/bpf/moved_nic_marks.py)."""
        return self.home / "visitors"

    def link(self, ifindex: int, program: str) -> Path:
        """Return the pin of one link of a pair."""
        return self.pair(ifindex) / program

    def copies(self, ifindex: int) -> Path:
        """Return the folder of a pair's own copies of programs."""
        return self.pair(ifindex) / "programs"

    def copy(self, ifindex: int, program: str) -> Path:
        """Return the pin of a pair's own copy of a program (kernel/bpf/program_templates.py)."""
        return self.copies(ifindex) / program

    def drain_note(self, ifindex: int) -> Path:
        """Return the pin of a pair's drain note (kernel/bpf/drain_notes.py)."""
        return self.pair(ifindex) / "drain"

    def new_drain_note(self, ifindex: int) -> Path:
        """Return where a new drain note is pinned before it replaces the old one."""
        return self.pair(ifindex) / "drain_new"

    def offload_note(self, ifindex: int) -> Path:
        """Return the pin of a pair's note of offloads (kernel/bpf/offload_notes.py)."""
        return self.pair(ifindex) / "offloads"

    def new_offload_note(self, ifindex: int) -> Path:
        """Return where a new note of offloads is pinned before it replaces the old one."""
        return self.pair(ifindex) / "offloads_new"

    def attach_note(self, ifindex: int) -> Path:
        """Return the pin of the options that `attach` was given (kernel/bpf/attach_notes.py)."""
        return self.pair(ifindex) / "chosen"

    def new_attach_note(self, ifindex: int) -> Path:
        """Return where new options are pinned before they replace the old ones."""
        return self.pair(ifindex) / "chosen_new"

    def template(self, name: str) -> Path:
        """Return the pin of a program's template, of which copies are made."""
        return self.object / "templates" / name

    def pair_ifindex(self, folder: str) -> int | None:
        """Return the synthetic ifindex in the name of a pair's folder, None for another folder."""
        return _number(folder.removeprefix(_PAIR_PREFIX)) if folder.startswith(_PAIR_PREFIX) else None


def _number(text: str) -> int | None:
    """Parse a number in canonical decimal form, None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and text == str(int(text)) else None
