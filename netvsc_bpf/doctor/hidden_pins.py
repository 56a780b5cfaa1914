# SPDX-License-Identifier: GPL-2.0-only
"""Is a NIC attached whose pins are not visible here, so that no other command knows of it?"""

from collections.abc import Iterable

from netvsc_bpf.doctor.finding import Finding, problem
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.hooks.hidden_steer import hidden_steer, why_hidden
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.nic import Nic

CHECK = "hidden-pins"


def check_hidden_pins(nics: Iterable[Nic], own: NetnsPins) -> list[Finding]:
    """Look at each NIC; an empty list where there is none, or where this process may not ask."""
    found = []
    for nic in nics:
        try:
            program = hidden_steer(own, nic.ifindex)
        except (OSError, NetvscBpfError):
            continue  # removed meanwhile, or the checks of capabilities and of the bpffs say why
        if program is not None:
            found.append(problem(CHECK, *why_hidden(own, nic.name, program)))
    return found
