# SPDX-License-Identifier: GPL-2.0-only
"""Reading the file, with overrides from the command line, into a ManagerConfig."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from netvsc_bpf.config.crossing import crossings
from netvsc_bpf.config.keys import BadValue, Key
from netvsc_bpf.config.lines import line_of
from netvsc_bpf.config.mistakes import Mistake, Mistakes, wrong
from netvsc_bpf.config.sections import ATTACH, INTERFACE, MANAGER, policies, sections
from netvsc_bpf.config.syntax import parsed
from netvsc_bpf.manager.state.config import InterfaceConfig, ManagerConfig
from netvsc_bpf.model.errors import ConfigError
from netvsc_bpf.model.names import quoted, read_back
from netvsc_bpf.model.setting import INTERFACE_NAME, Contradiction
from netvsc_bpf.view.amounts import count

_LARGEST = 1 << 18
"""Bytes. A file larger than 256 KB was named by mistake."""

Overrides = Mapping[tuple[str, str], Any]
"""Settings from the command line, by section and key, as values of the dataclass; they override the file."""
_MOST = 100
"""Mistakes whose lines are searched for: each search takes as long as reading the file."""
_Values = dict[tuple[str, ...], dict[str, Any]]
"""Tables by their path, with the values of the dataclass."""


def load(path: Path, overrides: Overrides | None = None) -> ManagerConfig:
    """Read a file. Raises ConfigError, which names the faulty line; then nothing of the file is used."""
    return parse(_text(path), path, overrides)


def parse(text: str, path: Path, overrides: Overrides | None = None) -> ManagerConfig:
    """Parse the text of the file `path`. Raises ConfigError for the first mistake."""
    config, mistakes = _checked(text, path, overrides or {})
    if config is None:
        raise _first(path, mistakes)
    return config


def check(path: Path) -> list[ConfigError]:
    """Return the mistakes in a file, at most some hundred, in the order of its lines."""
    try:
        text = _text(path)
    except ConfigError as error:
        return [error]
    return [error for _, error in sorted(_checked(text, path, {})[1], key=lambda found: found[0])]


def _checked(
    text: str, path: Path, overrides: Overrides
) -> tuple[ManagerConfig | None, list[tuple[int, ConfigError]]]:
    """Return the configuration, None with a mistake, and the mistakes with their lines."""
    syntax, mistakes = parsed(text), Mistakes()
    config = None if syntax.data is None else _config(_read(syntax.data, mistakes), overrides, mistakes)
    found = [*syntax.mistakes]
    found += [(line_of(syntax.text, one.where), one.why) for one in mistakes.found[:_MOST]]
    return None if found else config, [(line, wrong(path, line, why)) for line, why in found]


def _first(path: Path, mistakes: Sequence[tuple[int, ConfigError]]) -> ConfigError:
    """Return the first mistake that was found; it says if there are more."""
    first = mistakes[0][1]
    if (more := len(mistakes) - 1) > 0:
        others = count(more, "other mistake", "other mistakes")
        first.remedy = f"`netvsc-bpf config check {quoted(str(path))}` shows {others}"
    return first


def without_file(overrides: Overrides) -> ManagerConfig:
    """Return the configuration from the command line alone, whose values click has checked."""
    mistakes = Mistakes()
    config = _config({}, overrides, mistakes)
    if config is None:
        raise mistakes.found[0]
    return config


def _read(data: Mapping[str, Any], mistakes: Mistakes) -> _Values:
    values: _Values = {}
    known = sections()
    for name, table in data.items():
        with mistakes.collected():
            if name not in known:
                raise Mistake(f"unknown section [{name}]; known are {_list(known)}", name)
            if not isinstance(table, dict):
                raise Mistake(f"{name} is a section: write [{name}]", name)
            if name != INTERFACE:
                values[(name,)] = _table((name,), table, known[name], mistakes)
                continue
            for interface, inner in table.items():
                with mistakes.collected():
                    found = _interface(interface, inner, known[name], mistakes)
                    values[name, read_back(interface)] = found
    return values


def _interface(name: str, table: object, keys: Mapping[str, Key], mistakes: Mistakes) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise Mistake(f"write [{INTERFACE}.NAME], then {name} = ...", INTERFACE, name)
    if re.fullmatch(INTERFACE_NAME, name) is None:
        raise Mistake(f"{name!r} is not the name of an interface", INTERFACE, name)
    return _table((INTERFACE, name), table, keys, mistakes)


def _table(
    where: tuple[str, ...], table: Mapping[str, Any], keys: Mapping[str, Key], mistakes: Mistakes
) -> dict[str, Any]:
    values = {}
    for name, value in _flat(table, keys):
        with mistakes.collected():
            at = (*where, *name.split("."))
            if name not in keys:
                raise Mistake(f"[{'.'.join(where)}] has no key {name}; its keys are {', '.join(keys)}", *at)
            try:
                values[keys[name].field] = keys[name].read(value)
            except BadValue as error:
                raise Mistake(f"{name} {error}", *at) from None
    return values


def _flat(table: Mapping[str, Any], keys: Mapping[str, Key]) -> Iterator[tuple[str, Any]]:
    """Yield the values of a table, those of an inner one by a dotted name if there are keys of that form."""
    for name, value in table.items():
        if isinstance(value, dict) and any(key.startswith(f"{name}.") for key in keys):
            yield from ((f"{name}.{inner}", one) for inner, one in value.items())
        else:
            yield name, value


def _config(values: _Values, overrides: Overrides, mistakes: Mistakes) -> ManagerConfig | None:
    """Return the configuration, None if values contradict each other."""
    _check_interfaces(values, mistakes)
    overridden = frozenset(key for section, key in overrides if section == ATTACH)
    named = {where: overridden | table.keys() for where, table in values.items()}
    for (section, key), value in overrides.items():
        values.setdefault((section,), {})[key] = value
        for where, table in values.items():
            if where[0] == INTERFACE:
                table.pop(key if section == ATTACH else f"{section}.{key}", None)
    parts = {}
    for section, (field, kind) in policies().items():
        parts[field] = _built(section, kind, values.get((section,), {}), mistakes)
    config = ManagerConfig(**{**values.get((MANAGER,), {}), **parts})
    settle_ms = values.get((ATTACH,), {}).get("settle_ms")
    per_interface = {
        where[1]: InterfaceConfig(
            replace(config.options, **_of_policy("", table)),
            table.get("settle_ms", settle_ms),
            replace(config.announce, **_of_policy("announce", table)),
            replace(config.probe, **_of_policy("probe", table)),
            named[where],
        )
        for where, table in values.items()
        if where[0] == INTERFACE
    }
    done = replace(config, settle_ms=settle_ms, overridden=overridden, per_interface=per_interface)
    _check_crossing(done, mistakes)
    return None if mistakes.found else done


def _of_policy(section: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that the table of an interface sets of a section; "": of `[attach]`."""
    found = {}
    for key, value in table.items():
        prefix, _, name = key.rpartition(".")
        if prefix == section:
            found[name] = value
    return found


def _built(section: str, kind: Any, values: Mapping[str, Any], mistakes: Mistakes) -> Any:
    """Return the policy of a section, and collect contradictions between values that are valid by themselves.

    Then the values that contradict each other are left out, to find further ones.
    """
    bad = mistakes.keys_in(section)
    while True:
        try:
            return kind(**{name: value for name, value in values.items() if name not in bad})
        except Contradiction as error:
            # Blame the last of the keys that the file sets, in its order, never a default.
            at_fault = [name for name in values if name in error.fields]
            if bad.isdisjoint(error.fields):
                mistakes.add(error.why, section, *at_fault[-1:])
            if bad >= set(at_fault):
                return kind()
            bad |= set(at_fault)


def _check_interfaces(values: _Values, mistakes: Mistakes) -> None:
    managed = values.get((MANAGER,), {}).get("interfaces", ())
    for where in values:
        if where[0] == INTERFACE and managed and where[1] not in managed:
            mistakes.add(f"{where[1]} is not listed in interfaces of [{MANAGER}]", *where)


def _check_crossing(config: ManagerConfig, mistakes: Mistakes) -> None:
    named = {name: one.options.vf for name, one in config.per_interface.items()}
    vfs = {name: vf for name, vf in named.items() if vf is not None}
    for crossed in crossings(vfs, {*config.interfaces, *config.per_interface}):
        mistakes.add(crossed.why, INTERFACE, crossed.what, "vf")


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
        raise wrong(path, raw.count(b"\n", 0, error.start) + 1, "not UTF-8") from None


def _list(names: Sequence[str] | Mapping[str, Any]) -> str:
    return ", ".join(f"[{name}.NAME]" if name == INTERFACE else f"[{name}]" for name in names)
