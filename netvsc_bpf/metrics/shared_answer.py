# SPDX-License-Identifier: GPL-2.0-only
"""One computation for all requests that arrive while another one runs: many scrapes cost as much as two."""

import threading
from collections.abc import Callable


class SharedAnswer:
    """Calls `compute` in one thread at a time. An answer is never older than its request."""

    def __init__(self, compute: Callable[[], bytes]) -> None:
        self._compute = compute
        self._turn, self._counting = threading.Lock(), threading.Lock()
        self._begun = self._finished = self._asking = 0
        self._answer = b""

    def __call__(self) -> bytes:
        """Return an answer whose computation began after this call. Raises what `compute` does."""
        with self._counting:
            asked_at = self._begun
            self._asking += 1
        try:
            with self._turn:
                if self._finished > asked_at:
                    return self._answer
                with self._counting:
                    self._begun += 1
                    number = self._begun
                answer = self._compute()
                self._answer, self._finished = answer, number
                return answer
        finally:
            with self._counting:
                self._asking -= 1
                if not self._asking:
                    self._answer = b""  # no caller needs it any more
