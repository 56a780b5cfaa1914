# SPDX-License-Identifier: GPL-2.0-only
"""The sections of the file: one for each dataclass that a ManagerConfig holds, and two of their own. Pure.

`[manager]` is ManagerConfig's own keys; `[interface.NAME]` is those keys of other sections that may differ
from one interface to the next: keys of `[attach]` by their name, others as `announce.addresses`.
"""

from dataclasses import fields, is_dataclass, replace
from typing import get_type_hints

from netvsc_bpf.config.keys import Key, keys_of
from netvsc_bpf.datapath.options import AttachOptions
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.planner.probe_policy import ProbePolicy

MANAGER = "manager"
ATTACH = "attach"
INTERFACE = "interface"
_NAMES = {"options": ATTACH}
"""Sections whose name is not that of their field of ManagerConfig."""
_FOR_ONE = ("vf", "any_bus", "settle_ms", "rx", "guard", "all_multicast", "leave", "return")
_FOR_ONE_ONLY = ("vf",)
_POLICIES_FOR_ONE = (("announce", "addresses"), *(("probe", name) for name in keys_of(ProbePolicy)))
"""Section and key."""


def policies() -> dict[str, tuple[str, type]]:
    """Return the sections with a dataclass of their own: field of ManagerConfig, class."""
    hints = get_type_hints(ManagerConfig)
    return {
        _NAMES.get(one.name, one.name): (one.name, hints[one.name])
        for one in fields(ManagerConfig)
        if is_dataclass(hints[one.name])
    }


def sections() -> dict[str, dict[str, Key]]:
    """Return every section with its keys; the section of an interface is under `INTERFACE`."""
    found = {MANAGER: keys_of(ManagerConfig)}
    for name, (_, kind) in policies().items():
        found[name] = keys_of(kind)
    attach = found[ATTACH]
    found[INTERFACE] = {name: attach[name] for name in _FOR_ONE}
    for section, name in _POLICIES_FOR_ONE:
        key = found[section][name]
        key = replace(key, name=f"{section}.{name}", field=f"{section}.{key.field}")
        found[INTERFACE][key.name] = key
    found[ATTACH] = {name: key for name, key in attach.items() if name not in _FOR_ONE_ONLY}
    return found


def meaning(section: str) -> str:
    """Return what a section is about: the first paragraph of its dataclass's docstring."""
    if section == INTERFACE:
        return "Settings of one interface that differ from `[attach]`, or from the section that a key names."
    kind: type = {MANAGER: ManagerConfig, ATTACH: AttachOptions}.get(section) or policies()[section][1]
    return " ".join((kind.__doc__ or "").partition("\n\n")[0].split())
