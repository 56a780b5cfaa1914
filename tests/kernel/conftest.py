# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of the tests that need a kernel: a sandbox for the session, a lab for each test, and a leak check.

The whole pytest process lives in a sandbox (netvsc_bpf.lab.sandbox), so nothing that a test makes can
outlive the session. Within it every test has to clean up behind itself: what is left in /run/netns or in
bpffs at its end fails it.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from netvsc_bpf.lab import leak_check
from netvsc_bpf.lab.namespace import namespace_path, remove
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.sandbox import BPFFS, NETNS, enter_sandbox
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import CannotHere
from tests.kernel.support.service_user import add_service_user

CANNOT = pytest.StashKey[str]()
CACHE = pytest.StashKey[tempfile.TemporaryDirectory[str]]()
OUTSIDE = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    # Before collection, because it has to come before any thread; and here rather than in
    # pytest_sessionstart, which is over when this file is found late (`pytest tests`).
    config.stash[OUTSIDE] = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    # A shell without job control has what it starts in the background ignore SIGINT, and children inherit it:
    # commands under test would not hear Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # `nohup make test` does the same with SIGHUP. What is handled here is not ignored by children.
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)
    # Programs are compiled once for the session, and nothing is kept on the machine.
    config.stash[CACHE] = tempfile.TemporaryDirectory(prefix="netvsc-bpf-cache-")
    os.environ["CACHE_DIRECTORY"] = config.stash[CACHE].name
    try:
        enter_sandbox()
        add_service_user()
    except CannotHere as error:
        config.stash[CANNOT] = str(error)


def pytest_unconfigure(config: pytest.Config) -> None:
    if (cache := config.stash.get(CACHE, None)) is not None:
        cache.cleanup()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if (why := config.stash.get(CANNOT, None)) is None:
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Fail the test that leaves a namespace or a pin behind, and spare the next one."""
    before = _standing()
    yield
    left = sorted(_standing() - before, reverse=True)
    for path in left:
        if path.parent == NETNS:
            remove(path.name)
        elif path.is_dir():
            path.rmdir()
        else:
            path.unlink()
    if left:
        pytest.fail("left behind: " + ", ".join(map(str, sorted(left))))


class LabFactory(Protocol):
    """Builds a lab by plan that lasts until the end of the test."""

    def __call__(self, plan: LabPlan | None = None) -> Lab: ...


@pytest.fixture
def lab_factory() -> Iterator[LabFactory]:
    with ExitStack() as labs:
        yield lambda plan=None: labs.enter_context(Lab(plan))


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    """The plain lab: eth0 and vf0, both up, a learning switch, a peer."""
    return lab_factory()


class Cli(Protocol):
    """Runs `netvsc-bpf --netns THE-LAB'S-GUEST ARGS...` to its end."""

    def __call__(self, *args: str) -> subprocess.CompletedProcess[str]: ...


class CliIn(Protocol):
    """Runs `netvsc-bpf --netns NAMESPACE ARGS...` to its end."""

    def __call__(self, namespace: str, *args: str) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def cli_in(lab_factory: LabFactory) -> Iterator[CliIn]:
    """The command for tests with a lab of their own plan.

    What is still attached at the end of a test is detached by the command itself; the leak check, which comes
    after that, therefore judges every detach.
    """
    seen: set[str] = set()

    def run(namespace: str, *args: str) -> subprocess.CompletedProcess[str]:
        seen.add(namespace)
        command = [sys.executable, "-m", "netvsc_bpf.cli.main", "--netns", namespace, *args]
        return subprocess.run(command, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False)

    yield run
    for namespace in seen:
        # A lab of this test still stands here: its factory was set up before us, and is torn down after us.
        if leak_check.pins() and namespace_path(namespace).exists():
            run(namespace, "detach", "--all")


@pytest.fixture
def netvsc_bpf_cli(lab: Lab, cli_in: CliIn) -> Cli:
    """The command, working on the guest of ``lab``."""
    return lambda *args: cli_in(lab.guest, *args)


@pytest.fixture
def outside(pytestconfig: pytest.Config) -> list[str]:
    """The beginning of a command line that runs the rest where pytest was before it entered the sandbox."""
    return ["nsenter", f"--mount=/proc/{os.getpid()}/fd/{pytestconfig.stash[OUTSIDE]}", "--"]


def _standing() -> set[Path]:
    names = {NETNS / name for name in leak_check.namespaces()}
    return names | {BPFFS / pin for pin in leak_check.pins()}
