# SPDX-License-Identifier: GPL-2.0-only
"""Formatting events for the manager's stderr: for the journal, for a terminal, or as JSON lines."""

import os
from collections.abc import Mapping
from typing import TextIO

from netvsc_bpf.kernel.process.clock import CLOCKS, Clocks
from netvsc_bpf.manager.events.kinds import Event
from netvsc_bpf.model.event_words import event_word
from netvsc_bpf.model.names import json_text, shown
from netvsc_bpf.model.severity import Severity
from netvsc_bpf.model.timestamp import local

_SYSLOG_LEVEL = {Severity.ERROR: 3, Severity.WARNING: 4, Severity.INFO: 6, Severity.DEBUG: 7}
"""SD_ERR, SD_WARNING, SD_INFO, SD_DEBUG: sd-daemon(3)."""


class EventFormat:
    """Formats an event as a line for a stream; a text of several lines gives several lines.

    If the stream is the journal's, lines have the prefix of sd-daemon(3), such as `<4>`; the journal has the
    time. Elsewhere they begin with local time and severity. JSON lines have keys for both.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        as_json: bool = False,
        environ: Mapping[str, str] = os.environ,
        clocks: Clocks = CLOCKS,
    ) -> None:
        self._as_json, self._clocks = as_json, clocks
        self._prefixed = not as_json and is_journal(stream, environ)

    def __call__(self, event: Event) -> str:
        """Return the text of one event, without a final line break."""
        if self._as_json:
            return json_text(event.as_record(self._clocks))
        text = shown(f"{event.interface}: {event_word(event.kind.value)}: {event.text}")
        if not self._prefixed:
            at = local(self._clocks.utc(event.at), precise=True)
            text = f"{at}  {event.severity:7}  {text}"
        else:
            # The journal handles each line separately, including those of a traceback.
            prefix = f"<{_SYSLOG_LEVEL[event.severity]}>"
            text = "\n".join(prefix + line for line in text.split("\n"))
        return text


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether a stream is the journal's: JOURNAL_STREAM has its device and inode (systemd.exec(5)).

    The variable is also inherited by children whose stderr goes elsewhere, hence the comparison.
    """
    device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    if not (device.isdecimal() and inode.isdecimal()):
        return False
    try:
        found = os.fstat(stream.fileno())
    except OSError:  # not a file (io.UnsupportedOperation is an OSError)
        return False
    return (found.st_dev, found.st_ino) == (int(device), int(inode))
