# SPDX-License-Identifier: GPL-2.0-only
"""The user of the service, who the machine that runs the tests need not have: in the sandbox alone."""

import tempfile
from pathlib import Path

from netvsc_bpf.kernel.process.pin_root import SERVICE_USER
from netvsc_bpf.lab.syscalls import Mount, mount
from tests.kernel.unprivileged.user import UID

_PASSWD = Path("/etc/passwd")


def add_service_user() -> None:
    """Give the service's user the number that the tests use, by another /etc/passwd for this sandbox.

    A sandbox within another has it already: that file has no name any more, so nothing can be mounted on it.
    """
    lines = _PASSWD.read_bytes().splitlines()
    others = [line for line in lines if not line.startswith(f"{SERVICE_USER}:".encode())]
    ours = f"{SERVICE_USER}:x:{UID}:{UID}::/:/usr/sbin/nologin".encode()
    if ours in lines:
        return
    with tempfile.NamedTemporaryFile() as passwd:
        passwd.write(b"\n".join((*others, ours, b"")))
        passwd.flush()
        Path(passwd.name).chmod(0o644)
        mount(passwd.name, str(_PASSWD), None, Mount.BIND)
