# SPDX-License-Identifier: GPL-2.0-only
"""Is bcc installed, and is it the right bcc? Checked without importing it, which would cost 65 MB.

PyPI's package `bcc` is an unrelated program. The distribution's python3-bpfcc has a libbcc.py, and lives in
the system's site-packages, which a virtual environment hides unless it was made with
--system-site-packages.
"""

import re
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

from netvsc_bpf.doctor.finding import Finding, ok, problem, warning

CHECK = "bcc"
OLDEST = (0, 26)
DISTRIBUTION = Path("/usr/lib/python3/dist-packages")
_INSTALL = "run `apt-get install python3-bpfcc`"


def check_bcc(
    find: Callable[[str], ModuleSpec | None] = find_spec, distribution: Path = DISTRIBUTION
) -> Finding:
    """Check what `import bcc` would find."""
    spec = find("bcc")
    if spec is None or not spec.submodule_search_locations:
        return _not_importable(distribution)
    folder = Path(next(iter(spec.submodule_search_locations)))
    if not (folder / "libbcc.py").exists():
        return problem(
            CHECK,
            f"{folder} is PyPI's unrelated package `bcc`, not the BPF compiler",
            f"`{sys.executable} -m pip uninstall bcc`, then {_INSTALL}",
        )
    version = _version(folder / "version.py")
    if version is None:
        return warning(CHECK, f"the version of {folder} is unknown; 0.26 or later is needed")
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        return problem(CHECK, f"{version} in {folder} is older than 0.26", "install a newer python3-bpfcc")
    return ok(CHECK, f"{version} in {folder}")


def _not_importable(distribution: Path) -> Finding:
    if (distribution / "bcc" / "libbcc.py").exists():
        return problem(
            CHECK,
            f"{distribution / 'bcc'} is installed, but {sys.executable} cannot import it",
            "create the virtual environment from /usr/bin/python3 with --system-site-packages",
        )
    return problem(CHECK, "python3-bpfcc is not installed", _INSTALL)


def _version(source: Path) -> str | None:
    try:
        match = re.search(r"__version__\s*=\s*['\"](\d+\.\d+[\w.]*)", source.read_text(encoding="utf-8"))
    except OSError:
        return None
    return None if match is None else match[1]
