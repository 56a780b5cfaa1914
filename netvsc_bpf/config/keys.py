# SPDX-License-Identifier: GPL-2.0-only
"""The keys of a section: the dataclass fields with a Setting, and the name of each type in TOML. Pure."""

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from netvsc_bpf.model.errors import Refused
from netvsc_bpf.model.setting import Setting

AUTO = "auto"
"""The value that has netvsc-bpf choose; None in the dataclass."""


_PAIRS = tuple[tuple[str, str], ...]
"""A field of this type is a table of strings."""
_SINGULARS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    Path: "a path",
}
_PLURALS: Mapping[Any, str] = {int: "whole numbers", float: "numbers", str: "strings", Path: "paths"}


class BadValue(ValueError):
    """A value that the key does not accept; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key: a field of a dataclass."""

    name: str
    field: str
    """The name of the field; it ends with an underscore if the key is a word of Python.

    In `[interface.NAME]` that of a key of another section is dotted too, as `announce.addresses`.
    """
    kind: Any
    """The field's type, without Annotated and None."""
    optional: bool
    """The field may be None: "auto" for a choice, else if the key is left out."""
    default: Any
    setting: Setting

    def read(self, value: object) -> Any:
        """Return the field's value for a TOML value. Raises BadValue."""
        if value == AUTO and self.takes_auto:
            return None
        return _read(self.kind, value, self.setting, self.takes)

    @property
    def default_toml(self) -> str:
        """The default as TOML text."""
        return "{}" if self.kind == _PAIRS and not self.default else as_toml(self.default)

    @property
    def is_choice(self) -> bool:
        """Whether the key takes one of a fixed set of words."""
        return _is_choice(self.kind)

    @property
    def takes_auto(self) -> bool:
        """Whether the key takes "auto": a choice or a list that netvsc-bpf can make."""
        return self.optional and (self.is_choice or get_origin(self.kind) is tuple)

    @property
    def takes(self) -> str:
        """The TOML values that the key takes, in words."""
        words = _words(self.kind, [AUTO] if self.takes_auto else [])
        return f"{words}, {self.setting.limits}" if self.setting.limits else words


def keys_of(section: type) -> dict[str, Key]:
    """Return the keys of a dataclass in the order of its fields; fields without a Setting are not keys."""
    hints = get_type_hints(section, include_extras=True)
    found = {}
    for one in fields(section):
        hint = hints[one.name]
        if get_origin(hint) is not Annotated:
            continue
        kind, *notes = get_args(hint)
        setting = next((note for note in notes if isinstance(note, Setting)), None)
        if setting is None:
            continue
        kind, optional = _without_none(kind)
        default = one.default if one.default_factory is MISSING else one.default_factory()
        name = one.name.removesuffix("_")
        found[name] = Key(name, one.name, kind, optional, default, setting)
    return found


def as_toml(value: Any) -> str:
    """Return a field's value as TOML text; None is "auto"."""
    match value:
        case None:
            return f'"{AUTO}"'
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case tuple() if value and all(isinstance(one, tuple) for one in value):
            return "{ " + ", ".join(f"{as_toml(name)} = {as_toml(one)}" for name, one in value) + " }"
        case tuple() | list():
            return f"[{', '.join(as_toml(one) for one in value)}]"
        case _:
            return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _without_none(kind: Any) -> tuple[Any, bool]:
    if get_origin(kind) not in (Union, types.UnionType):
        return kind, False
    (rest,) = [one for one in get_args(kind) if one is not type(None)]
    return rest, True


def _is_choice(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, StrEnum)


def _words(kind: Any, more: list[str]) -> str:
    if _is_choice(kind):
        return " or ".join(f'"{word}"' for word in [*more, *kind])
    if get_origin(kind) is tuple:
        words = "a table of strings" if kind == _PAIRS else f"a list of {_PLURALS[get_args(kind)[0]]}"
        return " or ".join([*(f'"{word}"' for word in more), words])
    return _SINGULARS.get(kind, "a string")


def _read(kind: Any, value: object, setting: Setting, expected: str) -> Any:
    wrong = BadValue(f"takes {expected}, not {_shown(value)}")
    if kind == _PAIRS:
        if not isinstance(value, dict):
            raise wrong
        return tuple((name, _read(str, one, setting, expected)) for name, one in value.items())
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise wrong
        if (why := setting.why_wrong_number(len(value))) is not None:
            raise BadValue(f"{why}, not {len(value)}")
        return tuple(_read(get_args(kind)[0], one, setting, expected) for one in value)
    if _is_choice(kind):
        if value not in list(kind):
            raise wrong
        return kind(value)
    if kind is bool:
        if not isinstance(value, bool):
            raise wrong
        return value
    if kind in (int, float):
        return _read_number(kind, value, setting, wrong)
    if not isinstance(value, str):
        raise wrong
    if (why := setting.why_invalid_text(value)) is not None:
        raise BadValue(f"{why}, not {_shown(value)}")
    try:
        return kind(value) if setting.parse is None else setting.parse(value)
    except Refused as error:
        raise BadValue(f"{error.why}, {error.remedy or expected}, not {_shown(value)}") from None


def _read_number(kind: Any, value: object, setting: Setting, wrong: BadValue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong
    if isinstance(value, float) and not math.isfinite(
        value
    ):  # an int that is too large for a float raises OverflowError
        raise wrong
    if kind is int and not isinstance(value, int):
        raise wrong
    if (why := setting.why_out_of_range(value)) is not None:
        raise BadValue(f"{why}, not {value!r}")
    number: float = kind(value)
    return number


def _shown(value: object) -> str:
    text = as_toml(value) if isinstance(value, bool | int | float | str | list) else f"a {_kind_name(value)}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _kind_name(value: object) -> str:
    return "table" if isinstance(value, dict) else type(value).__name__
