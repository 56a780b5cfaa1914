# SPDX-License-Identifier: GPL-2.0-only
"""A guest on one of the two hypervisors, and what the host runs in it."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.migration.fabric import FABRIC, GUEST_MAC, inside
from tests.migration.image import Image
from tests.migration.monitor import PATIENCE_S, Monitor, connected

VF = "vf"
"""QEMU's name of the device that plays the VF: an e1000e in a slot that can be plugged."""


@dataclass
class Hypervisor:
    """One QEMU. `incoming`: it waits for a guest that migrates."""

    name: str
    host: str
    image: Image
    folder: Path
    incoming: bool = False
    failover: bool = False
    """The virtio NIC offers VIRTIO_NET_F_STANDBY, and QEMU itself unplugs the VF and plugs it in."""
    monitor: Monitor = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        """Start it. Raises TimeoutError."""
        with (self.folder / f"{self.name}.log").open("wb") as log:
            self.process = subprocess.Popen(
                inside(FABRIC, *self._command()), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self.monitor = Monitor(self.folder / f"{self.name}.qmp")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it, with its guest."""
        self.process.kill()
        self.process.wait()

    def plug(self) -> int:
        """Plug the VF in; return when (CLOCK_MONOTONIC ns)."""
        device = {"driver": "e1000e", "id": VF, "bus": "hot", "netdev": "vf", "mac": GUEST_MAC, "romfile": ""}
        if self.failover:
            device["failover_pair_id"] = "nic-syn"
        at = time.monotonic_ns()
        self.monitor.run("device_add", device)
        return at

    def unplug(self) -> tuple[int, int]:
        """Have the guest release the VF; return when that began and ended (CLOCK_MONOTONIC ns)."""
        at = time.monotonic_ns()
        self.monitor("device_del", id=VF)
        return at, self.monitor.wait("DEVICE_DELETED", lambda data: data.get("device") == VF).at

    def _command(self) -> list[str]:
        base = self.folder / self.name
        standby = ",failover=on" if self.failover else ""
        return [
            *(
                "qemu-system-x86_64",
                "-machine",
                "q35,accel=tcg",
                "-cpu",
                "Nehalem",
                "-smp",
                "2",
                "-m",
                "768M",
            ),
            *("-nodefaults", "-no-user-config", "-display", "none"),
            *("-kernel", str(self.image.kernel), "-initrd", str(self.image.ramdisk)),
            *("-append", "console=ttyS0 mitigations=off panic=-1 net.ifnames=0"),
            *("-chardev", f"file,id=console,path={base}.console"),
            *("-device", "isa-serial,chardev=console,index=0"),
            *("-chardev", f"socket,id=agent,path={base}.agent,server=on,wait=off"),
            *("-device", "isa-serial,chardev=agent,index=1"),
            *("-qmp", f"unix:{base}.qmp,server=on,wait=off"),
            # Both QEMUs have it open: without locks, as neither writes.
            *(
                "-blockdev",
                f"driver=file,filename={self.image.disk},node-name=image,read-only=on,locking=off",
            ),
            *("-device", "virtio-blk-pci,drive=image,addr=3"),
            *("-netdev", f"tap,id=syn,ifname={self.host}-syn,script=no,downscript=no"),
            *("-device", f"virtio-net-pci,id=nic-syn,netdev=syn,mac={GUEST_MAC},addr=4,romfile={standby}"),
            *("-device", "pcie-root-port,id=hot,chassis=2,slot=2,addr=5"),
            *("-netdev", f"tap,id=vf,ifname={self.host}-vf,script=no,downscript=no"),
            *(("-incoming", "defer") if self.incoming else ()),
        ]


class Guest:
    """The agent of the guest, wherever that runs: `arrived` after each migration."""

    def __init__(self, hypervisor: Hypervisor) -> None:
        """Wait until the guest has booted. Raises TimeoutError."""
        self._number = 0
        self.arrived(hypervisor)
        self._answer(0)

    def arrived(self, hypervisor: Hypervisor) -> None:
        """Connect to the port of the QEMU that runs the guest now. Raises TimeoutError."""
        self._socket = connected(hypervisor.folder / f"{hypervisor.name}.agent")
        self._socket.settimeout(PATIENCE_S)
        self._lines = self._socket.makefile("rb")

    def __call__(self, command: str, *, check: bool = True) -> str:
        """Run a shell command and return what it printed. Raises RuntimeError if it fails."""
        answer = self._ask({"command": command})
        if check and answer["status"]:
            raise RuntimeError(f"in the guest: {command}: status {answer['status']}: {answer['text']}")
        return str(answer["text"])

    def start(self, command: str, output: str) -> int:
        """Start a command in the background, its output appended to a file; return its process id."""
        return int(self._ask({"command": f"exec {command}", "output": output})["pid"])

    def wait(self, what: str, command: str, holds: Callable[[str], bool]) -> str:
        """Run a command until what it prints holds; return that. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            printed = self(command, check=False)
            if holds(printed):
                return printed
            if time.monotonic() > deadline:
                raise TimeoutError(f"in the guest: not yet: {what}; {command}: {printed}")
            time.sleep(0.3)

    def _ask(self, request: dict[str, str]) -> dict[str, Any]:
        self._number += 1
        self._socket.sendall(json.dumps({"id": self._number, **request}).encode() + b"\n")
        return self._answer(self._number)

    def _answer(self, number: int) -> dict[str, Any]:
        for line in self._lines:
            if line.startswith(b"{"):
                answer: dict[str, Any] = json.loads(line)
                if answer["id"] == number:
                    return answer
        raise RuntimeError("the guest's agent is gone")
