# SPDX-License-Identifier: GPL-2.0-only
"""Steps that put something back, taken in order: as many as possible, and nothing forgotten too early."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from netvsc_bpf.kernel.process.errnos import is_transient


class Teardown:
    """Takes steps, each even if one before it failed for good; the first failure is raised at the end.

    A failure that may pass (kernel/process/errnos.py) ends them at once: the later steps forget what the
    earlier ones put back, and whoever repeats the whole needs it. So each step must bear being taken twice.
    """

    def __init__(self) -> None:
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._failure is not None:
            raise self._failure

    def step(self, call: Callable[..., object], *arguments: Any, **named: Any) -> None:
        """Take one step."""
        try:
            call(*arguments, **named)
        except Exception as error:
            if is_transient(error):
                raise
            self._failure = self._failure or error
