# SPDX-License-Identifier: GPL-2.0-only
"""Debian's kernels, as scripts/vm-setup.sh unpacks them into a cache; none is installed."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Kernel:
    """One unpacked kernel."""

    name: str
    """Its version, as in "6.12", or "newest": the newest that Debian has."""
    folder: Path

    @property
    def image(self) -> Path:
        """Return the bootable image."""
        return next((self.folder / "boot").glob("vmlinuz-*"))

    @property
    def release(self) -> str:
        """Return its `uname -r`."""
        return self.image.name.removeprefix("vmlinuz-")

    @property
    def version(self) -> str:
        """Return its version without what follows the second number, as in "6.12"."""
        return ".".join(self.release.split(".")[:2])

    @property
    def headers(self) -> Path:
        """Return the directory of headers for building modules."""
        return self.cache / "headers" / self.name / "usr/src" / f"linux-headers-{self.release}"

    @property
    def cache(self) -> Path:
        """Return the cache directory."""
        return self.folder.parents[1]

    @property
    def modules(self) -> Path:
        """Return the directory with one directory of modules per release."""
        return self.folder / "lib/modules"


def kernels() -> dict[str, Kernel]:
    """Return the kernels by name; missing ones are fetched first.

    Raises CalledProcessError if that fails; the script has printed why.
    """
    setup = subprocess.run([REPO / "scripts/vm-setup.sh"], check=True, stdout=subprocess.PIPE, text=True)
    folder = Path(setup.stdout.strip()) / "kernels"
    return {path.name: Kernel(path.name, path) for path in folder.iterdir() if (path / "boot").exists()}
