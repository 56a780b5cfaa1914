# SPDX-License-Identifier: GPL-2.0-only
"""Where the commands that a bench starts keep compiled programs: nothing of the machine is used."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_compiled() -> Iterator[None]:
    """Let the commands in the block begin with an empty cache of compiled programs."""
    before = os.environ.get("CACHE_DIRECTORY")
    with tempfile.TemporaryDirectory(prefix="netvsc-bpf-bench-") as folder:
        os.environ["CACHE_DIRECTORY"] = folder
        try:
            yield
        finally:
            del os.environ["CACHE_DIRECTORY"]
            if before is not None:
                os.environ["CACHE_DIRECTORY"] = before
