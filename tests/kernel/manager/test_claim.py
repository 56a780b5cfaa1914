# SPDX-License-Identifier: GPL-2.0-only
"""The manager's claim: only root and the user of the service can take it, and it ends with the process."""

import fcntl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from netvsc_bpf.kernel.bpf import claim_lock, pin_files
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces, writer_lock
from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.events import claim
from netvsc_bpf.manager.events.claim import EARLIER_NAME
from netvsc_bpf.model.errors import Busy
from tests.kernel.commands import refused, run, state
from tests.kernel.machine import pins
from tests.kernel.support.manager import managers

OUTSIDER = 65534
HOLD = """
import socket, sys
held = socket.socket(socket.AF_UNIX)
held.bind(sys.argv[1].replace("@", chr(0)))
held.listen(5)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def lab(lab_factory: Callable[..., Lab]) -> Lab:
    return lab_factory(LabPlan(fabric=Fabric.NONE))


@pytest.fixture
def squatter(lab: Lab) -> Iterator[subprocess.Popen[str]]:
    """A user without rights who holds the name that earlier versions' managers had."""
    user = ["setpriv", f"--reuid={OUTSIDER}", f"--regid={OUTSIDER}", "--clear-groups", "--bounding-set=-all"]
    # The name's only character that no command line can carry is the first.
    command = command_in(lab.guest, [*user, sys.executable, "-c", HOLD, EARLIER_NAME.replace("\0", "@")])
    with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def metric(lab: Lab) -> str:
    lines = run(lab, "metrics").stdout.splitlines()
    return next(line for line in lines if line.startswith("netvsc_bpf_manager_up")).split()[-1]


def test_s74_name_held_by_an_unprivileged_process_is_not_a_claim(
    lab: Lab, squatter: subprocess.Popen[str]
) -> None:
    state(run(lab, "attach", "eth0", "--vf", "vf0", "--settle", "10", "--json"))
    assert float(metric(lab)) == 0
    assert run(lab, "detach", "eth0").returncode == 0
    with managers(lab) as start:
        manager = start("eth0", "--settle", "20")
        manager.wait_vf()
        manager.wait_event("refused", f"ignoring process {squatter.pid} of user {OUTSIDER}")
        assert float(metric(lab)) == 1
        refused(
            run(lab, "detach", "eth0"), 3, f"process {manager.process.pid} manages this network namespace"
        )
        assert manager.stop() == 0
    assert run(lab, "detach", "--all").returncode == 0
    assert pins() == []


def test_s74_claim_is_taken_once_and_ends_with_the_process(lab: Lab) -> None:
    with managers(lab) as start:
        manager = start("eth0", "--settle", "20")
        manager.wait_vf()
        with pytest.raises(Busy, match=f"process {manager.process.pid} manages it already"):
            lab.in_guest(claim.claim)
        refused(run(lab, "run", "eth0", "--any-bus"), 3, f"process {manager.process.pid} manages it already")
        manager.process.kill()
        manager.process.wait()
        where = NetnsPins(lab.in_guest(namespaces.current_inode))
        assert not claim_lock.is_taken(where) and where.claim.exists()
        assert run(lab, "detach", "--all").returncode == 0
        assert pins() == [], "what the killed one left is removed"


def test_s74_manager_that_ends_leaves_no_claim(lab: Lab) -> None:
    with managers(lab) as start:
        manager = start("eth0", "--settle", "20")
        manager.wait_vf()
        where = NetnsPins(lab.in_guest(namespaces.current_inode))
        assert where.claim.exists()
        assert manager.stop() == 0
        assert not where.claim.exists()
    assert run(lab, "detach", "--all").returncode == 0


def test_s74_asking_for_the_claim_does_not_keep_a_manager_from_it(lab: Lab) -> None:
    """A probe holds a shared lock for a moment; a process that takes the claim waits for it."""

    def take() -> None:
        where = NetnsPins(namespaces.current_inode())
        with writer_lock.writer(where.root):
            pin_files.make_folder(where.claim)
        with pin_files.open_folder(where.claim) as probe:
            fcntl.flock(probe, fcntl.LOCK_SH)
            release = threading.Timer(0.1, fcntl.flock, (probe, fcntl.LOCK_UN))
            release.start()
            taken = claim_lock.take(where, "name")
            release.join()
        assert taken is not None
        assert not claim_lock.is_taken(where), "our own claim does not count"
        assert claim_lock.take(where, "another") is None
        taken.close()

    lab.in_guest(take)
    assert pins() == []
