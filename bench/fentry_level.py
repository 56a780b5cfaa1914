# SPDX-License-Identifier: GPL-2.0-only
"""Loads the `fentry` programs even if the kernel refuses the sentinel: `python -m bench.fentry_level`.

A process of its own, run in the guest before attach, which then finds the programs loaded and uses them.
Without the sentinel a failed VF is not detected: this is for measuring what the programs cost.
"""

from unittest.mock import patch

from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.compile import sentinel
from netvsc_bpf.kernel.compile.load_object import load_build
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.model.path import Liveness


def main() -> None:
    """Load and pin everything but the sentinel."""
    with patch.object(sentinel, "attach", return_value=None):
        load_build(NetnsPins(namespaces.current_inode()).object, Liveness.FENTRY)


if __name__ == "__main__":
    main()
