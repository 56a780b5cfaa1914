# SPDX-License-Identifier: GPL-2.0-only
"""Build hv_vmbus.ko for a kernel of the guests."""

import subprocess
from pathlib import Path

from vm import module
from vm.kernels import Kernel
from vm.module import CannotBuildModule

MODULE = "hv_vmbus"
_SOURCES = Path(__file__).with_name("module")
_DRIVER = "kernel/drivers/net/hyperv"


def built(kernel: Kernel) -> Path:
    """Return the module for this kernel, built first where there is none of these sources.

    Raises CannotBuildModule: the compiler failed, or hv_netvsc would refuse the module.
    """
    return module.built(kernel, MODULE, _SOURCES, _require_equal_crcs)


def _require_equal_crcs(kernel: Kernel, work: Path) -> None:
    """Compare the CRC (CONFIG_MODVERSIONS) of each symbol that we export with what the driver wants."""
    exported = dict(reversed(line.split()[:2]) for line in (work / "Module.symvers").read_text().splitlines())
    driver = next((kernel.modules / kernel.release / _DRIVER).glob("hv_netvsc.ko*"))
    shown = subprocess.run(
        ["modprobe", "--dump-modversions", driver], check=True, text=True, stdout=subprocess.PIPE
    ).stdout
    wanted = dict(reversed(line.split()) for line in shown.splitlines())
    wrong = [name for name, crc in exported.items() if int(wanted.get(name, crc), 16) != int(crc, 16)]
    if wrong:
        raise CannotBuildModule(
            f"Linux {kernel.release}: hv_netvsc expects other CRCs of {', '.join(sorted(wrong))}; "
            "the exporting files must include what the kernel's own do"
        )
