# SPDX-License-Identifier: GPL-2.0-only
"""Descriptors that take nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def sink(kind: str) -> Iterator[int]:
    """A descriptor to write to: a full disk, or a pipe whose reader is gone, or does not read."""
    reading, writing = (-1, os.open("/dev/full", os.O_WRONLY)) if kind == "full" else os.pipe()
    if kind == "gone":
        os.close(reading)
        reading = -1
    elif kind == "blocked":
        os.set_blocking(writing, False)
        with pytest.raises(BlockingIOError):
            while True:
                os.write(writing, b"x" * 4096)
        os.set_blocking(writing, True)
    try:
        yield writing
    finally:
        for fd in (reading, writing):
            if fd >= 0:
                os.close(fd)
