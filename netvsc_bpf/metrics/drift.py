# SPDX-License-Identifier: GPL-2.0-only
"""Is everything attached that belongs to a pair? (Scenario row 64.)

guard shows in the netlink dump, tcx links are asked for; clsact filters would take a dump for each interface,
which is too much for a scrape.
"""

from netvsc_bpf.kernel import links
from netvsc_bpf.kernel.bpffs_layout import NetnsPins
from netvsc_bpf.model.path import Hook
from netvsc_bpf.model.status import PairStatus


def drift_of(pins: NetnsPins, status: PairStatus, *, guard_id: int | None) -> dict[str, bool]:
    """Return, by hook that belongs to the pair, whether it is missing.

    `guard_id` is the kernel's number of the guard program, None where the pair wants none.
    """
    synthetic, vf = status.synthetic, status.vf
    found: dict[str, bool] = {}
    if guard_id is not None:
        found["guard"] = synthetic.xdp_prog_id != guard_id
    if status.hook is Hook.TCX:
        found["steer"] = _is_missing(pins, synthetic.ifindex, "steer", synthetic.ifindex)
        if vf is not None:
            found["home"] = _is_missing(pins, synthetic.ifindex, "home", vf.ifindex)
    return found


def _is_missing(pins: NetnsPins, pair: int, program: str, ifindex: int) -> bool:
    state = links.state(pins.link(pair, program))
    # ifindex 0: somebody detached the link, or its device is gone (tcx_link_fill_info()).
    return state is None or state.ifindex != ifindex
