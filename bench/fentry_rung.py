# SPDX-License-Identifier: GPL-2.0-only
"""Loads the `fentry` rung's programs where the kernel refuses its sentinel: `python -m bench.fentry_rung`.

A process of its own, run in the guest before attach, which then finds the programs loaded and uses them.
Without the sentinel nobody would see the VF fail: this is for measuring what the programs cost.
"""

import os
from unittest.mock import patch

from netvsc_bpf.kernel import bundle, compiler, netns, sentinel
from netvsc_bpf.kernel.bpffs_layout import NetnsPins
from netvsc_bpf.model.path import Liveness


def main() -> None:
    """Load and pin everything but the sentinel."""
    folder = NetnsPins(netns.current_inode()).object
    with patch.object(sentinel, "attach", return_value=None):
        request = compiler.Request(
            folder=str(folder),
            parent=os.getppid(),
            netns_cookie=netns.current_cookie(),
            sources=str(bundle.sources_dir()),
            liveness=Liveness.FENTRY,
        )
        compiler.load(request)


if __name__ == "__main__":
    main()
