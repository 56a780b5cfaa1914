# SPDX-License-Identifier: GPL-2.0-only
"""A manager at work on a lab for the length of a block, and what the fabric knows meanwhile."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from netvsc_bpf import datapath
from netvsc_bpf.lab import wiring
from netvsc_bpf.lab.namespace import command_in
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.support.frames import GUEST_MAC
from tests.kernel.support.waiting import eventually

SETTLE_MS = 50


@contextmanager
def managed(lab: Lab, *options: str, wrapped_in: Sequence[str] = ()) -> Iterator["Managed"]:
    """Run the manager for eth0; at the end stop it and detach everything.

    ``wrapped_in`` is the beginning of the command line: setpriv and the like.
    """
    argv = [sys.executable, "-P", "-m", "netvsc_bpf.cli.main", "run", "eth0", "--any-bus"]
    argv += ["--settle", str(SETTLE_MS), *options]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command_in(lab.guest, [*wrapped_in, *argv]), stdin=subprocess.DEVNULL, stderr=log
        )
        guest = Managed(lab, process, log)
        try:
            # Compiling takes an emulated processor minutes; the limit is that of the whole test.
            while guest.path is None:
                time.sleep(0.05)
            yield guest
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            finally:
                process.kill()
                process.wait()
                if not guest.keep:
                    lab.in_guest(datapath.detach_all)
                print(guest.said())


class Managed:
    """A lab whose guest has a manager."""

    def __init__(self, lab: Lab, process: "subprocess.Popen[bytes]", log: IO[str]) -> None:
        self.lab = lab
        self.process = process
        self._log = log
        self.keep = False
        """Leave attached what is attached, for a block that follows."""

    def said(self) -> str:
        """What the manager wrote to stderr until now."""
        return os.pread(self._log.fileno(), 1 << 20, 0).decode()

    @property
    def path(self) -> Path | None:
        """The path of eth0, None while it is not attached."""
        if self.process.poll() is not None:
            raise AssertionError("the manager ended")
        states = self.lab.in_guest(datapath.status)
        return states[0].path if states else None

    def wait_for(self, path: Path) -> None:
        eventually(f"the path is {path}", lambda: self.path is path)

    def port(self, mac: bytes = GUEST_MAC) -> str | None:
        """The port on which the switch last learnt a MAC; None: not learnt."""
        shown = self.lab.run(self.lab.fabric, ["bridge", "-j", "fdb", "show", "br", "switch"]).stdout
        for entry in json.loads(shown):
            if (
                entry["mac"] == mac.hex(":")
                and entry.get("state") != "permanent"
                and "self" not in entry["flags"]
            ):
                return str(entry["ifname"])
        return None

    def forget(self) -> None:
        """Have the switch forget all that it has learned."""
        self.lab.run(self.lab.fabric, ["ip", "link", "set", "switch", "type", "bridge", "fdb_flush"])

    def wait_for_port(self, port: str, mac: bytes = GUEST_MAC) -> None:
        eventually(f"{mac.hex(':')} is behind {port}", lambda: self.port(mac) == port)


def mute(lab: Lab) -> None:
    """Keep the guest from saying anything of its own accord: no IPv6, no address to be asked for."""
    lab.in_guest(wiring.write_sysctl, "ipv6/conf/all/disable_ipv6", 1)
    lab.in_guest(wiring.write_sysctl, "ipv6/conf/default/disable_ipv6", 1)
    lab.run(lab.guest, ["ip", "addr", "flush", "dev", "eth0"])
