# SPDX-License-Identifier: GPL-2.0-only
"""An emulated arm64 machine whose root directory and checkout are directories of this one."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from vm.kernels import REPO, Kernel
from vm.ramdisk import make_ramdisk

INSIDE = Path("/src")
"""Where the guest has the checkout."""
_MODULES = ("9pnet_virtio", "9p", "overlay")
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Arm64Machine:
    """A machine with one of the kernels that scripts/arm64-setup.sh unpacks."""

    kernel: Kernel
    cpus: int = 2
    memory: str = "4G"

    @property
    def _root(self) -> Path:
        return self.kernel.cache / "root"

    def command(self, out: Path) -> list[str | Path]:
        """Return QEMU's command line; the ramdisk is written to `out`, whose other files are the guest's.

        Raises CalledProcessError if the ramdisk cannot be made.
        """
        ramdisk = out / "ramdisk"
        make_ramdisk(self.kernel, self._root / "usr/bin/busybox", _HERE / "init", _MODULES, ramdisk)
        compiled = self.kernel.cache / "compiled"
        compiled.mkdir(exist_ok=True)
        # It has atomic instructions (LSE), and no pointer authentication, which is slow to emulate.
        command: list[str | Path] = ["qemu-system-aarch64", "-machine", "virt", "-cpu", "neoverse-n1"]
        command += ["-smp", str(self.cpus), "-m", self.memory, "-accel", "tcg,thread=multi"]
        command += ["-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio"]
        command += ["-kernel", self.kernel.image, "-initrd", ramdisk]
        command += ["-append", "console=ttyAMA0 panic=-1 net.ifnames=0 nohz=off highres=off"]
        for tag, folder, writable in (
            ("root", self._root, False),
            ("checkout", REPO, False),
            ("out", out, True),
            ("compiled", compiled, True),
        ):
            readonly = "off" if writable else "on"
            options = f"id={tag},path={folder},security_model=none,readonly={readonly},multidevs=remap"
            command += ["-fsdev", f"local,{options}", "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
        return command


def kernels() -> dict[str, Kernel]:
    """Return the kernels by the size of their pages, `4k` and `16k`; missing ones are fetched first.

    Raises CalledProcessError if that fails; the script has printed why.
    """
    setup = subprocess.run(
        [REPO / "scripts/arm64-setup.sh"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    folder = Path(setup.splitlines()[-1]) / "kernels"
    return {path.name: Kernel(path.name, path) for path in sorted(folder.iterdir())}
