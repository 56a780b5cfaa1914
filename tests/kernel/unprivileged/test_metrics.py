# SPDX-License-Identifier: GPL-2.0-only
"""Metrics without root."""

import pytest

from netvsc_bpf.lab.topology import Lab
from tests.kernel.support.manager import managers
from tests.kernel.support.scraping import Scrape, try_scrape
from tests.kernel.support.waiting import eventually
from tests.kernel.unprivileged.user import NEEDED, as_user, require_readable_checkout


@pytest.fixture(autouse=True)
def readable() -> None:
    require_readable_checkout()


def test_s68_three_capabilities_are_enough_to_serve_metrics(lab: Lab) -> None:
    with managers(lab) as start:
        manager = start("eth0", "--settle", "20", wrapped_in=as_user(*NEEDED))
        manager.wait_vf()
        seen: list[Scrape | None] = []

        def complete() -> bool:
            seen.append(try_scrape(lab))
            found = seen[-1]
            return found is not None and bool(found.of("vf_misconfigured")) and bool(found.of("program_info"))

        eventually("it answers", complete)
        found = seen[-1]
        assert found is not None and found.value("scrape_success") == 1
        assert found.value("vf_active", interface="eth0") == 1
        assert set(found.of("attachment_drift").values()) == {0}
        failed = [one["text"] for one in manager.events_of("failed") if "CAP_NET_RAW" not in one["text"]]
        assert (failed, manager.noise) == ([], [])
