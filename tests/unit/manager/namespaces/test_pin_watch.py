# SPDX-License-Identifier: GPL-2.0-only
"""A folder that goes and comes again under its name is watched again."""

import asyncio
from pathlib import Path

from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.bpf.pin_watch import PinWatch


def test_folder_made_anew_is_watched_anew(bpffs: Path) -> None:
    async def watch() -> None:
        woken = asyncio.Event()
        pins = PinWatch(asyncio.get_running_loop(), woken.set)
        folder = NetnsPins(2, bpffs).root / "pair_2"
        try:
            for _ in range(3):
                folder.mkdir()
                (folder / "steer").touch()
                assert pins.follow({folder}), "new"
                assert not pins.follow({folder}), "known"
                woken.clear()
                (folder / "steer").unlink()
                await asyncio.wait_for(woken.wait(), 30)
                woken.clear()
                folder.rmdir()
                await asyncio.wait_for(woken.wait(), 30)
        finally:
            pins.close()

    asyncio.run(watch())
