# SPDX-License-Identifier: GPL-2.0-only
"""On a kernel that does not report joins, the list is polled."""

import asyncio
from pathlib import Path

import pytest

from netvsc_bpf.kernel.net import multicast_watch
from netvsc_bpf.kernel.net.multicast_watch import MembershipWatch


def test_without_the_groups_a_change_of_the_list_wakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multicast_watch, "_IPV4_MCADDR", 1000)
    listed = tmp_path / "dev_mcast"
    listed.write_text("2 eth0 1 0 333300000001\n")

    async def watch() -> None:
        woken = asyncio.Event()
        watching = MembershipWatch(asyncio.get_running_loop(), woken.set, list_file=listed, poll_s=0.005)
        try:
            assert not watching.reported
            for _ in range(10):
                await asyncio.sleep(0.005)
            listed.write_text("2 eth0 1 0 333300000001\n2 eth0 1 0 01005e010203\n")
            await asyncio.wait_for(woken.wait(), 60)
        finally:
            watching.close()

    asyncio.run(watch())
