# SPDX-License-Identifier: GPL-2.0-only
"""A program that is loaded ahead is given once, with the error that loading had, and is never left open."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from netvsc_bpf.kernel.bpf.program_ahead import ProgramAhead

FD = 42


class Loader:
    """Says which thread loaded, and whether the descriptor was closed."""

    def __init__(self) -> None:
        self.may_begin = threading.Event()
        self.thread: threading.Thread | None = None
        self.closed = False

    @contextmanager
    def __call__(self) -> Iterator[int]:
        assert self.may_begin.wait(timeout=10)
        self.thread = threading.current_thread()
        try:
            yield FD
        finally:
            self.closed = True


def test_it_is_loaded_by_another_thread_and_closed_after_use() -> None:
    loader = Loader()
    ahead = ProgramAhead(loader)
    loader.may_begin.set()
    with ahead.taken() as fd:
        assert fd == FD and not loader.closed
    assert loader.closed and loader.thread is not threading.current_thread()
    ahead.close()


def test_error_of_loading_is_raised_where_it_is_taken() -> None:
    @contextmanager
    def refused() -> Iterator[int]:
        raise OSError(12, "out of memory")
        yield FD

    ahead = ProgramAhead(refused)
    with pytest.raises(OSError, match="out of memory"), ahead.taken():
        pytest.fail("there is no program")
    ahead.close()


def test_program_that_was_not_taken_is_closed() -> None:
    loader = Loader()
    ahead = ProgramAhead(loader)
    loader.may_begin.set()
    ahead.close()
    assert loader.closed
