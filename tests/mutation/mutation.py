# SPDX-License-Identifier: GPL-2.0-only
"""One mutation: a small change that does harm, and the tests that must notice."""

from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.model.errors import NetvscBpfError


class StaleMutation(NetvscBpfError):
    """The text that a mutation replaces does not occur, or occurs more than once."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Mutation:
    """Replaces `old`, which occurs in `file` exactly once, by `new`."""

    name: str
    file: str
    """Below the checkout."""
    old: str
    new: str
    tests: tuple[str, ...]
    """pytest's arguments: the fewest tests that notice."""

    def applied(self, folder: Path) -> str:
        """Return the file's text with the change. Raises StaleMutation."""
        text = (folder / self.file).read_text()
        if (times := text.count(self.old)) != 1:
            raise StaleMutation(
                f"cannot apply the mutation: {self.name}",
                f"the text that it replaces occurs {times} times in {self.file}",
                "adapt it to the changed source",
            )
        return text.replace(self.old, self.new)
