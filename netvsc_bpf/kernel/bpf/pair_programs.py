# SPDX-License-Identifier: GPL-2.0-only
"""A pair's own copies of programs, pinned beside its links.

Opened each time, never kept open: another process may have detached the pair and attached it again.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from netvsc_bpf.kernel.bpf import links, pin_files, pins, program_templates
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins

PROGRAMS = tuple(program_templates.KINDS)


def program_ids(where: NetnsPins, ifindex: int) -> dict[str, int]:
    """Return the ids of the copies that a pair has, by name."""
    found = {name: links.pinned_program_id(where.copy(ifindex, name)) for name in PROGRAMS}
    return {name: number for name, number in found.items() if number is not None}


def pending_ids(where: NetnsPins, ifindex: int, name: str) -> set[int]:
    """Return the ids of a pair's new copies of a program in an unfinished replacement.

    Its hooks may run them already (kernel/hooks/replace_programs.py).
    """
    own = where.copy(ifindex, name).relative_to(where.home)
    found = (links.pinned_program_id(folder / own) for folder, _ in pins.upgrades(where))
    return {number for number in found if number is not None}


@contextmanager
def opened(loaded: LoadedObject, ifindex: int, slot: int, name: str) -> Iterator[int]:
    """Give the descriptor of a pair's own copy, which is created if there is none.

    `slot` is that of the pair. Raises CompileError if the verifier refuses it, ForeignLayout, KernelError.
    """
    pin = loaded.pins.copy(ifindex, name)
    try:
        fd = pin_files.get(pin)
    except FileNotFoundError:
        with _made(loaded, slot, name, pin) as new:
            yield new
        return
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def loading_ahead(loaded: LoadedObject, ifindex: int, slot: int, names: Iterable[str]) -> Iterator[None]:
    """Begin to load the copies of these names that do not exist; opened() takes them in the block."""
    keys = [(slot, name) for name in names if not pin_files.exists(loaded.pins.copy(ifindex, name))]
    try:
        for key in keys:
            code = program_templates.read(loaded.pins.template(key[1]))
            with suppress(RuntimeError):  # no thread can be started (pids.max): opened() loads it then
                loaded.ahead[key] = program_templates.ahead(key[1], code, loaded.map_fd, slot)
        yield
    finally:
        for ahead in filter(None, (loaded.ahead.pop(key, None) for key in keys)):
            ahead.close()


@contextmanager
def second(loaded: LoadedObject, ifindex: int, slot: int, name: str) -> Iterator[int]:
    """Create a second copy, with which take_second() replaces the first; give its descriptor."""
    with _made(loaded, slot, name, _second(loaded.pins, ifindex, name)) as new:
        yield new


def take_second(where: NetnsPins, ifindex: int, name: str) -> None:
    """Replace the first copy by the second, atomically."""
    pins.move(_second(where, ifindex, name), where.copy(ifindex, name))


def remove_second(where: NetnsPins, ifindex: int, name: str) -> None:
    """Remove the pin of a second copy, if there is one."""
    pin_files.unlink(_second(where, ifindex, name))


def _second(where: NetnsPins, ifindex: int, name: str) -> Path:
    return where.copy(ifindex, f"{name}_next")


@contextmanager
def _made(loaded: LoadedObject, slot: int, name: str, pin: Path) -> Iterator[int]:
    pin_files.make_folder(pin.parent)
    with _loaded(loaded, slot, name) as new:
        pins.make(new, pin)
        yield new


def _loaded(loaded: LoadedObject, slot: int, name: str) -> AbstractContextManager[int]:
    ahead = loaded.ahead.pop((slot, name), None)
    if ahead is not None:
        return ahead.taken()
    code = program_templates.read(loaded.pins.template(name))
    return program_templates.loaded(name, code, loaded.map_fd, slot)


def make_new_copies(loaded: LoadedObject, slots: Mapping[int, int], folder: Path) -> None:
    """Create new versions of all existing copies, from the templates in `folder`, and pin them below it.

    `slots` are those of the pairs, by their synthetic ifindex. Raises as opened() does.
    """
    codes = {name: program_templates.read(folder / "templates" / name) for name in PROGRAMS}
    for ifindex, slot in slots.items():
        for name in program_ids(loaded.pins, ifindex):
            target = folder / loaded.pins.copy(ifindex, name).relative_to(loaded.pins.home)
            for made in (target.parent.parent, target.parent):
                pin_files.make_folder(made)
            with program_templates.loaded(name, codes[name], loaded.map_fd, slot) as fd:
                pins.make(fd, target)
