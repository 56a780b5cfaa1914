# SPDX-License-Identifier: GPL-2.0-only
"""How the process that compiles is started: nothing of the caller's surroundings reaches it.

clang, the dynamic loader, bcc and Python each take orders from the environment (CPATH, LD_PRELOAD,
BCC_LINUX_VERSION_CODE, PYTHONPATH, ...): other headers, another kernel's version. What is compiled
for root must depend on what is installed, and on the running kernel, alone.
"""

import sys
from pathlib import Path

import netvsc_bpf

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
"""The whole environment of the child."""
FOLDER = "/"
"""Its working folder: the caller's may have been deleted, or be somebody else's."""

START = (
    "import sys; sys.path.insert(0, sys.argv[1]); import netvsc_bpf; del sys.path[0]; "
    "from netvsc_bpf.kernel.compile import child; child.main()"
)
"""What it runs. It must be the caller's own version, wherever that was imported from.

The folder is taken out again at once: where it is a site-packages, nothing in it may stand before the
standard library.
"""


def command() -> list[str]:
    """Return the command line: this interpreter, isolated.

    -I: no PYTHON* variable, no user's packages. -S: no package's .pth file runs code in a process that
    compiles for root; bcc.py finds bcc without them.
    """
    return [sys.executable, "-I", "-S", "-c", START, str(Path(netvsc_bpf.__file__).parents[1])]
