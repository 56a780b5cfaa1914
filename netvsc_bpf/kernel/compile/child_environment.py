# SPDX-License-Identifier: GPL-2.0-only
"""The command line and environment of the compile child, independent of the caller's environment.

clang, the dynamic loader, bcc and Python all read the environment (CPATH, LD_PRELOAD,
BCC_LINUX_VERSION_CODE, PYTHONPATH, ...), which could select other headers or another kernel version. What is
compiled for root must depend only on what is installed and on the running kernel.
"""

import sys
from pathlib import Path

import netvsc_bpf

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
"""The whole environment of the child."""
FOLDER = "/"
"""Its working directory: the caller's may have been deleted, or be writable by others."""

START = (
    "import sys; sys.path.insert(0, sys.argv[1]); import netvsc_bpf; del sys.path[0]; "
    "from netvsc_bpf.kernel.compile import child; child.main()"
)
"""The code that it runs. It imports the caller's version of the package, wherever that is installed.

The folder is removed from sys.path at once: if it is a site-packages, it must not come before the standard
library.
"""


def command() -> list[str]:
    """Return the command line: this interpreter, isolated.

    -I: no PYTHON* variables, no user packages. -S: no package's .pth file runs code in a process that
    compiles for root; bcc.py finds bcc without them.
    """
    return [sys.executable, "-I", "-S", "-c", START, str(Path(netvsc_bpf.__file__).parents[1])]
