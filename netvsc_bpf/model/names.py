# SPDX-License-Identifier: GPL-2.0-only
"""Converts names of interfaces: bytes for the kernel, str internally, escaped text for output. Pure.

The kernel allows every byte in a name except white space, "/" and ":" (dev_valid_name(), net/core/dev.c): a
name need not be UTF-8, may contain terminal escape sequences, and may look like an option. Internally a name
is the str that sys.argv and socket.if_indextoname() return, in which undecodable bytes are lone surrogates
(PEP 383). Such a str can be compared and sorted, but not printed.
"""

import json
import os
import re
import shlex
from typing import Any

_UNDECODABLE = re.compile("[\udc80-\udcff]")
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\U(000[0-9a-f]{5}|0010[0-9a-f]{4})")
_PLAIN = re.compile(r"[\w.,:@%+=-]+", re.ASCII)


def decode(raw: bytes) -> str:
    """Return the str for a name, or another text with names in it, from the kernel."""
    return os.fsdecode(raw.rstrip(b"\0"))


def encode(name: str) -> bytes:
    """Return the bytes of a name for the kernel, without a terminating zero."""
    return os.fsencode(name)


def writable(text: str) -> str:
    r"""Return a text that can be encoded as UTF-8: bytes that could not be decoded become ``\xNN``."""
    return _UNDECODABLE.sub(_byte, text)


def shown(text: str) -> str:
    r"""Return a text that is safe to print on a terminal; line breaks are kept.

    Bytes that could not be decoded and ASCII control characters become ``\xNN``, other characters that cannot
    be printed (C1 controls, marks that change the writing direction) ``\uNNNN`` or ``\UNNNNNNNN``.
    """
    if text.isprintable():
        return text
    return "\n".join(
        line if line.isprintable() else "".join(map(_character, line)) for line in text.split("\n")
    )


def on_one_line(text: str) -> str:
    r"""Return a text as shown() does, with line breaks escaped too: `\x0a`."""
    return shown(text).replace("\n", _character("\n"))


def read_back(text: str) -> str:
    """Return the name that shown() converts to this text, for names in UTF-8 files."""

    def raw(match: re.Match[str]) -> bytes:
        return bytes.fromhex(match[1]) if match[1] else chr(int(match[2] or match[3], 16)).encode()

    parts, at = [], 0
    for match in _ESCAPED.finditer(text):
        parts += [encode(text[at : match.start()]), raw(match)]
        at = match.end()
    return decode(b"".join([*parts, encode(text[at:])]))


def quoted(name: str) -> str:
    """Return a name as one shell word, for commands in messages."""
    if name.isprintable():
        return name if _PLAIN.fullmatch(name) else shlex.quote(name)
    return "$'" + "".join(map(_in_shell, encode(name))) + "'"


def as_argument(name: str) -> str:
    """Return a name as an argument of a netvsc-bpf command, for commands in messages."""
    return f"-- {quoted(name)}" if name.startswith("-") else quoted(name)


def json_text(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON that every parser accepts: lone surrogates are converted by writable()."""
    text = json.dumps(value, indent=indent)
    return json.dumps(_writable(value), indent=indent) if "\\udc" in text else text


def _character(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    elif code > 0x7F:
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return f"\\x{code:02x}"


def _byte(match: re.Match[str]) -> str:
    return f"\\x{ord(match.group()) - 0xDC00:02x}"


def _in_shell(byte: int) -> str:
    if byte in b"\\'":
        return f"\\{byte:c}"
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"


def _writable(value: Any) -> Any:
    match value:
        case str():
            return writable(value)
        case dict():
            return {_writable(key): _writable(one) for key, one in value.items()}
        case list() | tuple():
            return [_writable(one) for one in value]
        case _:
            return value
