# SPDX-License-Identifier: GPL-2.0-only
"""Undoes the steps of a failed operation, and raises the error that made it fail."""

from contextlib import ExitStack
from types import TracebackType

from netvsc_bpf.model.errors import NetvscBpfError


class Undo(ExitStack):
    """An ExitStack of undo steps; call pop_all() on success.

    If an undo step fails as well, the original error is still raised, with a note of what could not be
    undone: later errors are mostly consequences of the first one, so its remedy counts.
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
                error.why += f" (and not everything could be undone: {undoing})"
            error.add_note(f"not everything could be undone: {undoing!r}")
            return False
