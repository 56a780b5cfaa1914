# SPDX-License-Identifier: GPL-2.0-only
"""What changed in a configuration that was read again, and which changes a running manager applies. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from netvsc_bpf.config.keys import Key, as_toml
from netvsc_bpf.config.load import Overrides, load
from netvsc_bpf.config.sections import ATTACH, INTERFACE, MANAGER, policies, sections
from netvsc_bpf.manager.reload import Reload, Reloaded
from netvsc_bpf.manager.state.config import InterfaceConfig, ManagerConfig

_LONGEST = 120


def reader(path: Path, overrides: Overrides) -> Reload:
    """Return a function that reads the file again, with the same overrides from the command line."""
    return lambda config: merged(config, load(path, overrides))


def merged(current: ManagerConfig, wanted: ManagerConfig) -> Reloaded:
    """Return the configuration from now on: the wanted one, except for keys that need a restart."""
    changed, kept = [], []
    config = wanted
    for section, key, before, after in _differences(current, wanted):
        name = f"{section}.{key.name}"
        if key.setting.live:
            changed.append(_change(name, _shown(key, before), _shown(key, after)))
        else:
            kept.append(name)
            config = _with(config, section, key.field, before)
    changed += _interfaces(current, wanted)
    liveness = current.options.liveness
    own = {
        name: replace(one, options=replace(one.options, liveness=liveness))
        for name, one in config.per_interface.items()
    }
    return Reloaded(replace(config, per_interface=own), tuple(changed), tuple(kept))


def _differences(current: ManagerConfig, wanted: ManagerConfig) -> Iterator[tuple[str, Key, Any, Any]]:
    for section, keys in sections().items():
        if section == INTERFACE:
            continue
        for key in keys.values():
            before, after = _value(current, section, key.field), _value(wanted, section, key.field)
            if before != after:
                yield section, key, before, after


def _value(config: ManagerConfig, section: str, key: str) -> Any:
    if (section, key) == (ATTACH, "settle_ms"):
        return config.settle_ms
    return getattr(config if section == MANAGER else getattr(config, policies()[section][0]), key)


def _with(config: ManagerConfig, section: str, key: str, value: Any) -> ManagerConfig:
    if section == MANAGER:
        return replace(config, **{key: value})
    field = policies()[section][0]
    return replace(config, **{field: replace(getattr(config, field), **{key: value})})


def _interfaces(current: ManagerConfig, wanted: ManagerConfig) -> list[str]:
    """Return the interfaces whose own settings changed; changes of general settings are listed elsewhere."""
    names = sorted(current.per_interface.keys() | wanted.per_interface.keys())
    return [f"{INTERFACE}.{name} changed" for name in names if _own(current, name) != _own(wanted, name)]


def _own(config: ManagerConfig, name: str) -> dict[str, Any]:
    found = _settings(config.of(name))
    rest = _settings(InterfaceConfig(config.options, config.settle_ms, config.announce, config.probe))
    return {key: value for key, value in found.items() if value != rest[key]}


def _settings(one: InterfaceConfig) -> dict[str, Any]:
    """Return the settings of an interface by the names of their keys."""
    found = {}
    for name, key in sections()[INTERFACE].items():
        section, _, field = key.field.rpartition(".")
        found[name] = getattr(getattr(one, section) if section else one.options, field)
    return found | {"settle_ms": one.settle_ms}


def _change(name: str, before: str, after: str) -> str:
    text = f"{name} {after} instead of {before}"
    return text if len(text) <= _LONGEST else f"{name} changed"


def _shown(key: Key, value: Any) -> str:
    return "not set" if value is None and not key.takes_auto else as_toml(value)
