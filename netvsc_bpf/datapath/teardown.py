# SPDX-License-Identifier: GPL-2.0-only
"""Runs the steps that restore something in order: as many as possible, without losing records too early."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from netvsc_bpf.kernel.process.errnos import is_transient


class Teardown:
    """Runs every step even if an earlier one failed permanently; raises the first failure at the end.

    A transient failure (kernel/process/errnos.py) ends it at once: later steps delete the records that the
    earlier ones need when the teardown is repeated. So each step must be idempotent.
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
        """Run one step."""
        try:
            call(*arguments, **named)
        except Exception as error:
            if is_transient(error):
                raise
            self._failure = self._failure or error
