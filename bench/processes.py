# SPDX-License-Identifier: GPL-2.0-only
"""What processes take: wall clock, and CPU time, which says the same whatever else the machine does."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds; ``cpu`` is that of all processes which ended meanwhile and were waited for."""

    wall: float
    cpu: float


def took(action: Callable[[], T]) -> tuple[T, Took]:
    """Measure a call that runs processes and waits for them; return what it returned as well."""
    before, begin = _children_cpu(), time.monotonic()
    result = action()
    return result, Took(time.monotonic() - begin, _children_cpu() - before)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
