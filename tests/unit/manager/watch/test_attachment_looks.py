# SPDX-License-Identifier: GPL-2.0-only
"""Several watches share a thread, and an error of one hides nothing that another has found."""

import asyncio
from dataclasses import dataclass, field

import pytest

from netvsc_bpf.manager.state.beat import Beat
from netvsc_bpf.manager.watch.attachment_looks import AttachmentLooks


@dataclass
class Watching:
    """A watch that finds something, or fails."""

    finds: str | OSError
    reported: list[str] = field(default_factory=list)

    def found(self) -> str:
        if isinstance(self.finds, OSError):
            raise self.finds
        return self.finds

    def report(self, found: str) -> None:
        self.reported.append(found)


def test_what_was_found_is_reported_though_a_later_watch_fails() -> None:
    first, second = Watching("detached"), Watching(OSError(5, "no"))
    with pytest.raises(OSError, match="no"):
        asyncio.run(AttachmentLooks((first, second), Beat(), every_s=0.001).run())
    assert first.reported == ["detached"]
