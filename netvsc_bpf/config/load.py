# SPDX-License-Identifier: GPL-2.0-only
"""Reading the file, with overrides from the command line, into a ManagerConfig."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from netvsc_bpf.config.crossing import check_names
from netvsc_bpf.config.keys import BadValue, Key
from netvsc_bpf.config.lines import error_line, line_of
from netvsc_bpf.config.sections import ATTACH, FOR_ONE_POLICIES, INTERFACE, MANAGER, policies, sections
from netvsc_bpf.manager.state.config import InterfaceConfig, ManagerConfig
from netvsc_bpf.model.errors import ConfigError, CrossedPairs
from netvsc_bpf.model.names import read_back
from netvsc_bpf.model.setting import INTERFACE_NAME, Contradiction

_LARGEST = 1 << 18
"""Bytes. A file larger than 256 KB was named by mistake."""

Overrides = Mapping[tuple[str, str], Any]
"""Settings from the command line, by section and key, as values of the dataclass; they override the file."""
_Values = dict[tuple[str, ...], dict[str, Any]]
"""Tables by their path, with the values of the dataclass."""


def load(path: Path, overrides: Overrides | None = None) -> ManagerConfig:
    """Read a file. Raises ConfigError, which names the faulty line; then nothing of the file is used."""
    return parse(_text(path), path, overrides)


def parse(text: str, path: Path, overrides: Overrides | None = None) -> ManagerConfig:
    """Parse the text of the file `path`. Raises ConfigError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        why = re.sub(r" \(at [^()]*\)$", "", str(error))
        raise _wrong(path, error_line(text, error), f"invalid TOML: {why}") from None
    except RecursionError:
        raise ConfigError(str(path), "values are nested too deeply") from None
    try:
        return _config(_read(data), overrides or {})
    except _Fault as fault:
        raise _wrong(path, line_of(text, fault.where), fault.why) from None


def without_file(overrides: Overrides) -> ManagerConfig:
    """Return the configuration from the command line alone."""
    return _config({}, overrides)


class _Fault(Exception):
    """An error in the file, and its place: tables, then a key."""

    def __init__(self, why: str, *where: str) -> None:
        super().__init__(why)
        self.why, self.where = why, where


def _read(data: Mapping[str, Any]) -> _Values:
    values: _Values = {}
    known = sections()
    for name, table in data.items():
        if name not in known:
            raise _Fault(f"unknown section [{name}]; known are {_list(known)}", name)
        if not isinstance(table, dict):
            raise _Fault(f"{name} is a section: write [{name}]", name)
        if name == INTERFACE:
            for interface, inner in table.items():
                values |= _interface(interface, inner, known)
        else:
            values[(name,)] = _table((name,), table, known[name])
    return values


def _interface(name: str, table: object, known: Mapping[str, Mapping[str, Key]]) -> _Values:
    """Return the table of an interface, and those of policies in it."""
    if not isinstance(table, dict):
        raise _Fault(f"write [{INTERFACE}.NAME], then {name} = ...", INTERFACE, name)
    if re.fullmatch(INTERFACE_NAME, name) is None:
        raise _Fault(f"{name!r} is not the name of an interface", INTERFACE, name)
    inner = {key: table[key] for key in FOR_ONE_POLICIES if key in table}
    own = {key: value for key, value in table.items() if key not in inner}
    where = (INTERFACE, read_back(name))
    found: _Values = {where: _table((INTERFACE, name), own, known[INTERFACE])}
    for section, values in inner.items():
        if not isinstance(values, dict):
            raise _Fault(f"write [{INTERFACE}.{name}.{section}]", INTERFACE, name, section)
        found[*where, section] = _table((INTERFACE, name, section), values, known[section])
    return found


def _table(where: tuple[str, ...], table: Mapping[str, Any], keys: Mapping[str, Key]) -> dict[str, Any]:
    values = {}
    for name, value in table.items():
        if name not in keys:
            raise _Fault(
                f"[{'.'.join(where)}] has no key {name}; its keys are {', '.join(keys)}", *where, name
            )
        try:
            values[keys[name].field] = keys[name].read(value)
        except BadValue as error:
            raise _Fault(f"{name} {error}", *where, name) from None
    return values


def _config(values: _Values, overrides: Overrides) -> ManagerConfig:
    _check_interfaces(values)
    for (section, key), value in overrides.items():
        values.setdefault((section,), {})[key] = value
        for where, table in values.items():
            if (where[0], len(where), section) == (INTERFACE, 2, ATTACH):
                table.pop(key, None)
    parts = {}
    for section, (field, kind) in policies().items():
        parts[field] = _built(section, kind, values.get((section,), {}))
    config = _built(MANAGER, ManagerConfig, {**values.get((MANAGER,), {}), **parts})
    settle_ms = values.get((ATTACH,), {}).get("settle_ms")
    per_interface = {
        where[1]: InterfaceConfig(
            replace(config.options, **table),
            table.get("settle_ms", settle_ms),
            replace(config.probe, **values.get((*where, "probe"), {})),
        )
        for where, table in values.items()
        if where[0] == INTERFACE and len(where) == 2
    }
    done: ManagerConfig = replace(config, settle_ms=settle_ms, per_interface=per_interface)
    _check_crossing(done)
    return done


def _built(section: str, kind: Any, values: Mapping[str, Any]) -> Any:
    try:
        return kind(**values)
    except Contradiction as error:
        # Blame the last of the keys that the file sets, in its order, never a default.
        at_fault = [name for name in values if name in error.fields]
        raise _Fault(error.why, section, *at_fault[-1:]) from None


def _check_interfaces(values: _Values) -> None:
    managed = values.get((MANAGER,), {}).get("interfaces", ())
    for where in values:
        if where[0] == INTERFACE and managed and where[1] not in managed:
            raise _Fault(f"{where[1]} is not listed in interfaces of [{MANAGER}]", *where)


def _check_crossing(config: ManagerConfig) -> None:
    named = {name: one.options.vf for name, one in config.per_interface.items()}
    vfs = {name: vf for name, vf in named.items() if vf is not None}
    try:
        check_names(vfs, {*config.interfaces, *config.per_interface})
    except CrossedPairs as crossed:
        raise _Fault(crossed.why, INTERFACE, crossed.what, "vf") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {os.strerror(error.errno or 0)}") from None
    if len(raw) > _LARGEST:
        raise ConfigError(str(path), f"is larger than {_LARGEST >> 10} KB, so not a configuration file")
    try:
        return raw.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _wrong(path, raw.count(b"\n", 0, error.start) + 1, "not UTF-8") from None


def _wrong(path: Path, line: int, why: str) -> ConfigError:
    return ConfigError(f"{path}:{line}", " ".join(why.split()))


def _list(names: Sequence[str] | Mapping[str, Any]) -> str:
    return ", ".join(f"[{name}.NAME]" if name == INTERFACE else f"[{name}]" for name in names)
