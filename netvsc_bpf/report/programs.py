# SPDX-License-Identifier: GPL-2.0-only
"""What is pinned for this network namespace, and which programs are on the hooks of each interface."""

from pathlib import Path
from typing import Any

from netvsc_bpf.datapath.session import reading
from netvsc_bpf.kernel.bpf import links, pin_files
from netvsc_bpf.kernel.bpf.program_names import program_name
from netvsc_bpf.kernel.hooks import clsact
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.hooks.tcx_query import tcx_programs
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.model.nic import Nic


def programs() -> dict[str, Any]:
    """Return pins and hooks. Raises BpffsUnavailable, MissingCapability, KernelError, OSError."""
    with reading("cannot read the programs") as session:
        found = pin_files.walk(session.pins.home)
        pairs = [session.pins.pair(ifindex) for ifindex in session.attached()]
        return {
            "pins": [str(path) for path in found],
            "links": {str(path): _link(path) for path in found if path.parent in pairs},
            "hooks": [_hooks(session.rtnl, nic) for nic in session.nics],
        }


def _link(path: Path) -> dict[str, int] | None:
    """Return program and interface (ifindex, 0 if it is gone) of a link; None for another object."""
    try:
        state = links.state(path)
    except OSError:  # a map: a note
        return None
    return None if state is None else {"program": state.prog_id, "ifindex": state.ifindex}


def _hooks(rtnl: Rtnetlink, nic: Nic) -> dict[str, Any]:
    return {
        "interface": nic.name,
        "ifindex": nic.ifindex,
        "xdp": None if nic.xdp_prog_id is None else _program(nic.xdp_prog_id),
        "tcx": {
            direction.name.lower(): [_program(one) for one in tcx_programs(nic.ifindex, direction)]
            for direction in Direction
        },
        "clsact": {
            direction.name.lower(): [str(one) for one in clsact.filters(rtnl, nic.ifindex, direction)]
            for direction in Direction
        },
    }


def _program(prog_id: int) -> dict[str, Any]:
    return {"id": prog_id, "name": program_name(prog_id)}
