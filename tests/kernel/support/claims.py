# SPDX-License-Identifier: GPL-2.0-only
"""What a running manager leaves in bpffs for as long as it runs."""

from netvsc_bpf.kernel.bpf.pin_layout import ROOT_NAME
from netvsc_bpf.lab import leak_check


def pins_but_claims() -> list[str]:
    """Return what is pinned, without the folders that managers hold locked."""
    claims = f"{ROOT_NAME}/manager_"
    return [pin for pin in leak_check.pins() if pin != ROOT_NAME and not pin.startswith(claims)]
