# SPDX-License-Identifier: GPL-2.0-only
"""Ctrl-C at any moment before a command has begun: exit status 130, and not a word."""

import signal
import subprocess
import sys

import pytest

AT_IMPORT = """
import os, signal, sys
wanted = sys.argv.pop(1)
sys.modules.pop(wanted, None)  # site may have imported it

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            ctrl_c()

def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()

sys.meta_path.insert(0, Finder())
from netvsc_bpf.cli.main import main
main()
"""
IN_A_CALLBACK = AT_IMPORT.replace(
    "            ctrl_c()",
    """            one = Mortal()
            del one  # Python ignores what __del__ raises
            signal.pause()""",
).replace("def ctrl_c", "class Mortal:\n    def __del__(self):\n        ctrl_c()\n\ndef ctrl_c")


def run(code: str, *args: str) -> "subprocess.CompletedProcess[str]":
    # What a shell starts with `&` ignores SIGINT, and so would what we start.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.run(
            [sys.executable, "-c", code, *args], capture_output=True, text=True, check=False, timeout=60
        )
    finally:
        signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize(
    "module",
    [
        "threading",
        "netvsc_bpf.cli.process",
        "click",
        "netvsc_bpf.kernel.process.stdio",
        "netvsc_bpf.cli.run",
        "netvsc_bpf.manager.events.log",
    ],
)
def test_ctrl_c_during_an_import_is_130_without_a_traceback(module: str) -> None:
    done = run(AT_IMPORT, module, "run")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_that_hits_a_callback_is_not_lost() -> None:
    done = run(IN_A_CALLBACK, "netvsc_bpf.manager.events.log", "run")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
