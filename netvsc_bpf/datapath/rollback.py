# SPDX-License-Identifier: GPL-2.0-only
"""Taking back what was begun, so that the error which ended it is still the one that is raised."""

from contextlib import ExitStack
from types import TracebackType

from netvsc_bpf.model.errors import NetvscBpfError


class Undo(ExitStack):
    """An ExitStack of the steps that take something back; pop_all() once all is done.

    When a step fails while it runs for an error, the first error is raised all the same, and says what could
    not be undone: the remedy is the first error's, and what comes after it is mostly its consequence.
    """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        """See ExitStack."""
        try:
            return super().__exit__(kind, error, trace)
        except Exception as undoing:
            if error is None or undoing is error:
                raise
            if isinstance(error, NetvscBpfError):
                error.why += f" (nor could everything be taken back: {undoing})"
            error.add_note(f"what was begun could not be taken back: {undoing!r}")
            return False
