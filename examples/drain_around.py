#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Use netvsc-bpf from Python: run a command while a pair is drained, then use its VF again.

    sudo .venv/bin/python examples/drain_around.py eth0 -- fwupdmgr update

Uses only `netvsc_bpf.datapath`, `netvsc_bpf.model` and the errors that they raise. Needs CAP_BPF,
CAP_NET_ADMIN and CAP_PERFMON, as `netvsc-bpf drain` does, in the network namespace of the interface.
"""

import subprocess
import sys
from collections.abc import Sequence

from netvsc_bpf import datapath
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.path import Path
from netvsc_bpf.model.status import PairStatus

MOST_S = 3600.0
"""The manager ends the drain after this time, if this program is killed before it can."""


def describe(pair: PairStatus) -> str:
    """Return one line on where the packets of a pair go."""
    vf = "no VF" if pair.vf is None else f"VF {pair.vf.name}"
    share = pair.tx.vf.packets / max(1, (pair.tx.vf + pair.tx.synthetic).packets)
    where = f"{pair.synthetic.name}: path {pair.path} ({pair.reason}), {vf}"
    return f"{where}, {share:.0%} of packets sent by the VF"


def drain_around(interface: str, command: Sequence[str]) -> int:
    """Run a command while `interface` is drained. Return its exit status."""
    (before,) = datapath.status(interface)
    print(describe(before))
    for remark in datapath.drain(interface, MOST_S, " ".join(command)[:200]):
        print(remark, file=sys.stderr)
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        for remark in datapath.undrain(interface):
            print(remark, file=sys.stderr)
        (after,) = datapath.status(interface)
        print(describe(after))
        if before.path is Path.VF and after.path is not Path.VF:
            print(f"{interface} does not use its VF yet: {after.reason}", file=sys.stderr)


def main(arguments: Sequence[str]) -> int:
    """Read the command line, and report errors as the netvsc-bpf command does."""
    if len(arguments) < 3 or arguments[1] != "--":
        print("usage: drain_around.py IFACE -- COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    try:
        return drain_around(arguments[0], arguments[2:])
    except NetvscBpfError as error:
        print(f"drain_around.py: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
