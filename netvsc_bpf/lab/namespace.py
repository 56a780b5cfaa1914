# SPDX-License-Identifier: GPL-2.0-only
"""Network namespaces by name: create one, remove it, run a function or a program in it."""

import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from netvsc_bpf.lab.sandbox import NETNS
from netvsc_bpf.lab.syscalls import Clone, Mount, mount, setns, unmount, unshare
from netvsc_bpf.model.errors import KernelError

T = TypeVar("T")


def namespace_path(name: str) -> Path:
    """Return the file of the namespace, as `ip netns` uses it."""
    return NETNS / name


def create(name: str) -> None:
    """Create an empty network namespace; its loopback is down.

    Raises:
        FileExistsError: the name exists already.
        KernelError: the kernel refused.
    """
    target = namespace_path(name)
    target.touch(exist_ok=False)

    def bind() -> None:
        # The thread ends, and the mount keeps its namespace alive.
        unshare(Clone.NEWNET)
        mount("/proc/thread-self/ns/net", str(target), None, Mount.BIND)

    try:
        _in_thread(bind)
    except OSError as error:
        target.unlink()
        why = error.strerror or str(error)
        raise KernelError(f"create network namespace {name}", why, errno=error.errno) from error


def remove(name: str) -> None:
    """Remove the name; the kernel destroys the namespace when no process is left in it."""
    target = namespace_path(name)
    try:
        unmount(str(target))
    except FileNotFoundError:
        return
    finally:
        target.unlink(missing_ok=True)


def enter(name: str) -> None:
    """Move the calling thread into the namespace permanently: meant for a dedicated process or thread."""
    fd = os.open(namespace_path(name), os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(fd, Clone.NEWNET)
    finally:
        os.close(fd)


def call_in(name: str, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run ``function`` in the namespace, in a thread of its own, and return or raise its result.

    Sockets that it creates stay in the namespace. /proc/sys/net is that of the namespace; /proc/net is not
    (it is the main thread's: read /proc/thread-self/net), nor is /sys/class/net (it is the mount's).
    """

    def inside() -> T:
        enter(name)
        return function(*args, **kwargs)

    return _in_thread(inside)


def run(
    name: str, argv: Sequence[str | os.PathLike[str]], *, check: bool = True, timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program in the namespace and wait for it; output is captured as text.

    Not `ip netns exec`: that mounts a new /sys, which hides bpffs.

    Args:
        check: raise subprocess.CalledProcessError if the exit status is not 0.
        timeout: seconds until the program is killed and subprocess.TimeoutExpired raised.
    """
    return subprocess.run(
        command_in(name, argv),
        check=check,
        timeout=timeout,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )


def command_in(name: str, argv: Sequence[str | os.PathLike[str]]) -> list[str | os.PathLike[str]]:
    """Return the command line that runs ``argv`` in the namespace.

    nsenter execs it, so that the pid is that of ``argv``.
    """
    return ["nsenter", f"--net={namespace_path(name)}", "--", *argv]


def _in_thread(function: Callable[[], T]) -> T:
    # A thread, because setns and unshare of the network namespace move only one thread, and moving it back
    # may fail.
    result: list[T] = []
    failure: list[BaseException] = []

    def body() -> None:
        try:
            result.append(function())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=body, name="lab-namespace")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]
