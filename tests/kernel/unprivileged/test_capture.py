# SPDX-License-Identifier: GPL-2.0-only
"""A capture without root: CAP_BPF to know the pair, CAP_NET_RAW to see its frames."""

import subprocess

import pytest

from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import PROGRAM, refused, run, state
from tests.kernel.support.waiting import eventually
from tests.kernel.unprivileged.user import NEEDED, as_user, require_readable_checkout

ATTACH = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")


@pytest.fixture(autouse=True)
def readable() -> None:
    require_readable_checkout()


def test_s68_capture_with_a_filter_takes_two_capabilities(lab: Lab) -> None:
    state(run(lab, *ATTACH, wrapped_in=as_user(*NEEDED)))
    command = [*as_user("bpf", "net_raw"), *PROGRAM, "capture", "eth0", "-n", "-t", "-c", "2", "icmp"]
    running = subprocess.Popen(
        command_in(lab.guest, command), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    ping = ["ping", "-c1", "-W1", lab.plan.pair(0).peer_address]

    def ended() -> bool:
        lab.run(lab.guest, ping, check=False)
        return running.poll() is not None

    try:
        eventually("two frames are shown", ended)
        out, err = running.communicate()
    finally:
        running.kill()
        running.wait()
        run(lab, "detach", "eth0", wrapped_in=as_user(*NEEDED))
    assert running.returncode == 0, err
    assert [line.split()[:3] for line in out.splitlines()] == [["vf", "vf0", "Out"], ["vf", "vf0", "In"]]


def test_s68_capture_names_the_capability_that_is_missing(lab: Lab) -> None:
    refused(run(lab, "capture", "eth0", wrapped_in=as_user("bpf")), 4, "CAP_NET_RAW is missing")
