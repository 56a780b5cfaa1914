# SPDX-License-Identifier: GPL-2.0-only
"""The package's life on a machine with systemd: service, upgrades, removal, purge."""

import json
import re
from pathlib import Path

from netvsc_bpf.lab.topology import Lab
from tests.deb.machine import Machine, StepFailed
from tests.deb.packages import Packages, version_of
from tests.deb.traffic import nothing_lost

EXPOSURE = 2.4
"""As deploy/README.md has it."""
_CONFIGURATION = """\
[manager]
interfaces = ["eth0"]

[attach]
any_bus = true
settle_ms = 20
"""
_NOT_COMPARED = (
    *("/proc", "/sys", "/run", "/dev", "/tmp", "/share", "/root"),
    *("/var/log", "/var/cache", "/var/lib/dpkg", "/var/lib/apt", "/var/lib/NetworkManager"),
    "'/var/tmp/systemd-private-*'",
)
"""What the kernel makes, logs, caches, what dpkg knows, and the state of programs that the test uses."""
_FILES = f"find / \\( -path {' -o -path '.join(_NOT_COMPARED)} \\) -prune -o -print"
_NEITHER_ROOT_NOR_TMP = """\
[Service]
ReadOnlyPaths=/
ReadWritePaths=/sys/fs/bpf
PrivateTmp=no
InaccessiblePaths=/tmp /var/tmp /dev/shm
"""
_OF_THIS_VERSION = """\
import sys
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.compile.source_digest import own_build
from netvsc_bpf.kernel.process.namespaces import current_inode
with LoadedObject(NetnsPins(current_inode())) as loaded:
    sys.exit(loaded.build != own_build(loaded.liveness))
"""


class Life:
    """The steps, in their order. Each raises StepFailed."""

    def __init__(self, machine: Machine, lab: Lab, packages: Packages, share: Path) -> None:
        self._machine, self._lab, self._packages, self._share = machine, lab, packages, share

    def clean(self) -> set[str]:
        """Purge what `bare` has installed; return the files of the machine without the package."""
        self._machine.run("dpkg --purge netvsc-bpf")
        return self._files()

    def start(self, package: str) -> None:
        """Install a version and start the manager by its unit; nothing was enabled before."""
        self._install(package)
        state = self._machine.run(
            "systemctl is-enabled netvsc-bpf; systemctl is-active netvsc-bpf || true", 0
        )
        if state.split() != ["disabled", "inactive"]:
            raise StepFailed(f"installing enabled or started the service: {state}")
        (self._share / "netvsc-bpf.toml").write_text(_CONFIGURATION)
        self._machine.run("cp /share/netvsc-bpf.toml /etc/netvsc-bpf/ && systemctl enable --now netvsc-bpf")
        self._on_the_vf()

    def unit(self) -> None:
        """Check the unit's exposure, and that it needs neither a writable root nor a temporary directory."""
        said = self._machine.run("systemd-analyze security --no-pager netvsc-bpf")
        found = re.search(r"Overall exposure level for netvsc-bpf.service: ([0-9.]+)", said)
        if found is None or float(found[1]) > EXPOSURE:
            raise StepFailed(said)
        print(f"  systemd-analyze security: {found[1]}", flush=True)
        (self._share / "strict.conf").write_text(_NEITHER_ROOT_NOR_TMP)
        folder = "/run/systemd/system/netvsc-bpf.service.d"
        self._machine.run(f"mkdir -p {folder} && cp /share/strict.conf {folder} && systemctl daemon-reload")
        self._machine.run("systemctl restart netvsc-bpf")
        self._on_the_vf()
        self._machine.run(f"rm -r {folder} && systemctl daemon-reload && systemctl restart netvsc-bpf")
        self._on_the_vf()
        print("  runs with a read-only root and without /tmp, /var/tmp, /dev/shm", flush=True)

    def refuse(self, package: str) -> None:
        """Check that another map layout is refused while NICs are attached without the service."""
        installed = "dpkg-query -W -f '${db:Status-Status} ${Version}' netvsc-bpf"
        before = self._machine.run(installed)
        self._machine.run("systemctl stop netvsc-bpf")
        said = self._machine.run(f"dpkg --force-confold --install /share/{package}", status=1)
        if "Nothing has been changed" not in said or self._machine.run(installed) != before:
            raise StepFailed(said)
        self._machine.run("systemctl start netvsc-bpf")
        self._on_the_vf()
        print("  another map layout is refused while NICs are attached without the service", flush=True)

    def change(self, package: str, what: str) -> None:
        """Install another version under traffic; the manager goes on with programs of that version."""
        with nothing_lost(self._lab, what):
            self._install(package)
            self._on_the_vf()
            self._replaced()
        self._machine.run(f"netvsc-bpf --version | grep 'netvsc-bpf {version_of(package)} '")
        started = self._machine.run(
            "journalctl -u netvsc-bpf --no-pager --output=cat | grep 'started: netvsc-bpf' | tail -n 1"
        )
        if f"netvsc-bpf {version_of(package)} manages" not in started:
            raise StepFailed(f"{what}: another version runs: {started}")

    def remove(self) -> None:
        """Remove the package under traffic: packets go on using the VF, which is said."""
        with nothing_lost(self._lab, "remove"):
            said = self._machine.run("apt-get -y remove netvsc-bpf")
            self._still_on_the_vf()
        if "packets go on using the VF" not in said:
            raise StepFailed(said)
        if self._machine.run("systemctl is-active netvsc-bpf || true").strip() == "active":
            raise StepFailed("the service still runs")

    def refuse_after_removal(self, package: str) -> None:
        """Check that another map layout is refused while only what was kept can detach the NICs."""
        said = self._machine.run(f"dpkg --force-confold --install /share/{package}", status=1)
        if "run '/var/lib/netvsc-bpf/detach --all'" not in said or "Nothing has been changed" not in said:
            raise StepFailed(said)
        self._machine.run("[ -x /var/lib/netvsc-bpf/detach ] && ls -d /sys/fs/bpf/netvsc-bpf/*/pair_*")
        print("  after a removal another map layout is refused while NICs are attached", flush=True)

    def purge(self, before: set[str]) -> None:
        """Purge the package under traffic: nothing of it is left, in files or in the kernel."""
        # What is kept to detach has to work when `apt autoremove` has removed the package's dependencies.
        modules = "/usr/lib/python3/dist-packages"
        self._machine.run(f"mv {modules}/click {modules}/prometheus_client {modules}/pyroute2 /root/")
        with nothing_lost(self._lab, "purge"):
            said = self._machine.run("apt-get -y purge netvsc-bpf")
        self._machine.run(f"mv /root/click /root/prometheus_client /root/pyroute2 {modules}/")
        if "could not restore everything" in said:
            raise StepFailed(said)
        after = self._files()
        left = sorted(after - before) + [f"gone: {path}" for path in sorted(before - after)]
        left += self._machine.run("find /sys/fs/bpf -mindepth 1 ! -name '*.debug'").splitlines()
        left += self._machine.run(
            "tc filter show dev eth0 egress; tc filter show dev vf0 ingress"
        ).splitlines()
        shown = json.loads(self._machine.run("ip -j -d link show dev eth0"))
        left += ["an XDP program on eth0"] if "xdp" in shown[0] else []
        left += [self._machine.run("stat -c 'bpffs has mode %a' /sys/fs/bpf").strip()]
        if left != ["bpffs has mode 700"]:
            raise StepFailed("left by a purge:\n" + "\n".join(left))
        print(f"  purge: {len(after):,} files, as before; no pin, no program", flush=True)

    def _files(self) -> set[str]:
        """Return all files, but for other programs' bytecode, which appears when they are used."""
        paths = self._machine.run(_FILES).splitlines()
        return {path for path in paths if "__pycache__" not in path or "netvsc_bpf" in path}

    def _install(self, package: str) -> None:
        self._machine.run(f"dpkg --force-confold --install /share/{package}")

    def _on_the_vf(self) -> None:
        """Wait until the service is active and packets take the VF."""
        self._machine.eventually(
            'systemctl is-active -q netvsc-bpf && netvsc-bpf status --json | grep -q \'"path": *"vf"\''
        )

    def _still_on_the_vf(self) -> None:
        """Check, without the package, that the driver of the VF goes on sending."""
        count = "cat /sys/class/net/vf0/statistics/tx_packets"
        before = int(self._machine.run(count))
        self._machine.eventually(f'[ "$({count})" -gt {before + 1000} ]')

    def _replaced(self) -> None:
        """Wait until the programs in the kernel are those of the installed version."""
        (self._share / "build.py").write_text(_OF_THIS_VERSION)
        self._machine.eventually("python3 /share/build.py")
