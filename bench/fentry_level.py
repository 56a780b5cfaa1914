# SPDX-License-Identifier: GPL-2.0-only
"""Loads the `fentry` programs even if the kernel refuses the sentinel: `python -m bench.fentry_level`.

A process of its own, run in the guest before attach, which then finds the programs loaded and uses them.
Without the sentinel a failed VF is not detected: this is for measuring what the programs cost.
"""

import os
from unittest.mock import patch

from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.compile import bundle, child, fentry
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.model.path import Liveness


def main() -> None:
    """Load and pin everything but the sentinel."""
    folder = NetnsPins(namespaces.current_inode()).object
    with patch.object(fentry, "attach", return_value=None):
        request = child.Request(
            folder=str(folder),
            parent=os.getppid(),
            netns_cookie=namespaces.current_cookie(),
            sources=str(bundle.sources_dir()),
            liveness=Liveness.FENTRY,
        )
        child.load(request)


if __name__ == "__main__":
    main()
