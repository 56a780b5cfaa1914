# SPDX-License-Identifier: GPL-2.0-only
"""Build hv_vmbus.ko for a kernel of the guests, against Debian's headers; nothing is installed.

Where Debian builds VMBus into the kernel (7.x), its name and symbols cannot be used a second time: the module
is called hyperv_host there, its symbols have that prefix (module/kernel_compat.h), and hv_netvsc.ko is copied
with the names of what it imports changed to these. Its code is Debian's everywhere.
"""

import subprocess
from pathlib import Path

from vm import module
from vm.kernels import Kernel
from vm.module import CannotBuildModule

_MODULE, _MODULE_BESIDE_THE_KERNELS = "hv_vmbus", "hyperv_host"
DRIVER = "hv_netvsc"
_SOURCES = Path(__file__).with_name("module")
_FOLDER_OF_DRIVER = "kernel/drivers/net/hyperv"
_PREFIX = "hyperv_host_"
"""Of our symbols (module/kernel_compat.h) where VMBus is built into the kernel."""


def built(kernel: Kernel) -> Path:
    """Return the module for this kernel, built first where there is none of these sources.

    Raises CannotBuildModule: the compiler failed, or hv_netvsc would refuse the module.
    """
    return module.built(kernel, _name(kernel), _SOURCES, _finish)


def _name(kernel: Kernel) -> str:
    builtin = (kernel.modules / kernel.release / "modules.builtin").read_text()
    return _MODULE_BESIDE_THE_KERNELS if f"/{_MODULE}.ko" in builtin else _MODULE


def _finish(kernel: Kernel, work: Path, folder: Path) -> None:
    exported = _exported(work)
    _require_equal_crcs(kernel, exported)
    if renamed := [name for name in exported if name.startswith(_PREFIX)]:
        _copy_driver(kernel, renamed, folder)


def _exported(work: Path) -> dict[str, str]:
    """Return the CRC of each symbol that we export; zeros without CONFIG_MODVERSIONS."""
    return dict(reversed(line.split()[:2]) for line in (work / "Module.symvers").read_text().splitlines())


def _driver(kernel: Kernel) -> Path:
    return next((kernel.modules / kernel.release / _FOLDER_OF_DRIVER).glob(f"{DRIVER}.ko*"))


def _require_equal_crcs(kernel: Kernel, exported: dict[str, str]) -> None:
    """Compare the CRC (CONFIG_MODVERSIONS) of each symbol that we export with what the driver wants."""
    if not any(int(crc, 16) for crc in exported.values()):
        return
    shown = subprocess.run(
        ["modprobe", "--dump-modversions", _driver(kernel)], check=True, text=True, stdout=subprocess.PIPE
    ).stdout
    wanted = dict(reversed(line.split()) for line in shown.splitlines())
    wrong = [name for name, crc in exported.items() if int(wanted.get(name, crc), 16) != int(crc, 16)]
    if wrong:
        raise CannotBuildModule(
            f"Linux {kernel.release}: hv_netvsc expects other CRCs of {', '.join(sorted(wrong))}; "
            "the exporting files must include what the kernel's own do"
        )


def _copy_driver(kernel: Kernel, exported: list[str], folder: Path) -> None:
    """Copy hv_netvsc.ko, importing our symbols instead of the kernel's."""
    driver = folder / f"{DRIVER}.ko"
    with driver.open("wb") as plain:
        subprocess.run(["xz", "--decompress", "--stdout", _driver(kernel)], check=True, stdout=plain)
    names = [f"--redefine-sym={name.removeprefix(_PREFIX)}={name}" for name in exported]
    subprocess.run(["objcopy", *names, driver], check=True)
