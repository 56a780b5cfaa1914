# SPDX-License-Identifier: GPL-2.0-only
"""Reading JSON that others wrote, and texts in it. Pure."""

import json
from collections.abc import Sized
from typing import Any

from netvsc_bpf.model.errors import NoticesUnavailable

MAX_BYTES = 1 << 20
"""A document that is larger is not read."""
MAX_EVENTS = 256
"""The most events of this VM: each is reported, and all are compared with every answer."""
MAX_DURATION_S = 86_400
"""A longer duration counts as this."""
_MAX_ID = 128
_MAX_TEXT = 160


def read_json(raw: bytes, what: str) -> dict[str, Any]:
    """Return the JSON object. Raises NoticesUnavailable, with `what` as what cannot be done."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise NoticesUnavailable(what, "it is not JSON") from None
    if not isinstance(found, dict):
        raise NoticesUnavailable(what, "it is not a JSON object")
    return found


def require_few(events: Sized, what: str) -> None:
    """Raise NoticesUnavailable if there are more than MAX_EVENTS."""
    if len(events) > MAX_EVENTS:
        raise NoticesUnavailable(what, f"it has more than {MAX_EVENTS} events for this VM")


def read_id(value: object, name: str, what: str) -> str:
    """Return the ID of an event. Raises NoticesUnavailable."""
    if not (isinstance(value, str) and 0 < len(value) <= _MAX_ID and value.isprintable()):
        raise NoticesUnavailable(what, f"{name} of an event is not a string of 1 to {_MAX_ID} characters")
    return value


def one_line(value: object) -> str:
    """Return a description, on one line and without characters that cannot be printed; empty for no text."""
    if not isinstance(value, str):
        return ""
    words = " ".join(value[: 4 * _MAX_TEXT].split())
    return "".join(one if one.isprintable() else "?" for one in words)[:_MAX_TEXT]
