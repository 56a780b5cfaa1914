# SPDX-License-Identifier: GPL-2.0-only
"""The mistakes in a configuration file, collected while it is read. Pure."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from netvsc_bpf.model.errors import ConfigError


class Mistake(Exception):
    """One mistake, and its place: tables, then a key."""

    def __init__(self, why: str, *where: str) -> None:
        super().__init__(why)
        self.why, self.where = why, where


@dataclass(slots=True)
class Mistakes:
    """Those found so far, in the order in which they were found."""

    found: list[Mistake] = field(default_factory=list)

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Collect a mistake that the block raises instead of raising it."""
        try:
            yield
        except Mistake as mistake:
            self.found.append(mistake)

    def add(self, why: str, *where: str) -> None:
        """Add one, and go on."""
        self.found.append(Mistake(why, *where))

    def keys_in(self, section: str) -> set[str]:
        """Return the keys of a section that have one."""
        return {one.where[1] for one in self.found if len(one.where) == 2 and one.where[0] == section}


def wrong(path: Path, line: int, why: str) -> ConfigError:
    """Return the error for a mistake on a line."""
    return ConfigError(f"{path}:{line}", " ".join(why.split()))
