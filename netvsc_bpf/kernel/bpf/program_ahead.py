# SPDX-License-Identifier: GPL-2.0-only
"""A program that a thread of its own loads while the caller waits for something else in the kernel.

The verifier takes a processor for milliseconds. Attaching a program waits as long for an RCU grace period
(tcx_entry_sync() in include/net/tcx.h, bpf_dispatcher_change_prog() in kernel/bpf/dispatcher.c).
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager


class ProgramAhead:
    """Loaded once, until it is taken or closed. Used by one thread."""

    def __init__(self, load: Callable[[], AbstractContextManager[int]]) -> None:
        """`load` returns a context manager for the program's descriptor, which the thread enters."""
        self._held = ExitStack()
        self._fd = -1
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(load,), name="program-ahead")
        self._thread.start()

    def _run(self, load: Callable[[], AbstractContextManager[int]]) -> None:
        try:
            self._fd = self._held.enter_context(load())
        except BaseException as error:
            self._error = error  # raised where the program is taken

    @contextmanager
    def taken(self) -> Iterator[int]:
        """Wait until it is loaded and give its descriptor for the block; once. Raises what loading raised."""
        self._thread.join()
        with self._held:
            if self._error is not None:
                raise self._error
            yield self._fd

    def close(self) -> None:
        """Wait for the thread and release the program, if it was not taken. Errors concern nothing then."""
        self._thread.join()
        self._held.close()
