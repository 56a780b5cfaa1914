# SPDX-License-Identifier: GPL-2.0-only
"""Are all programs of a pair attached? (Scenario row 64.)

guard is in the netlink dump, tcx links are queried; clsact filters would need a dump for each interface,
which is too expensive for a scrape.
"""

from netvsc_bpf.kernel.bpf.links import LinkState
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.metrics.known_links import KnownLinks
from netvsc_bpf.model.path import RxMode
from netvsc_bpf.model.status import PairStatus


def drift_of(
    pins: NetnsPins,
    status: PairStatus,
    steer: LinkState | None,
    known: KnownLinks,
    *,
    guarded: bool,
    interim: bool = False,
) -> dict[str, bool]:
    """Return, for each hook of the pair, whether its program is missing.

    `steer` is its tcx link; `known` finds the others; `guarded`: the pair wants guard;
    `interim`: home has a filter until its link is attached.
    """
    synthetic, vf = status.synthetic, status.vf
    found: dict[str, bool] = {}
    if guarded:
        guard = known.guard(pins, synthetic.ifindex, synthetic.xdp_prog_id)
        found["guard"] = guard is None or synthetic.xdp_prog_id != guard
    if steer is not None:
        # ifindex 0: the link was detached, or its device is gone (tcx_link_fill_info()).
        found["steer"] = steer.ifindex != synthetic.ifindex
        if vf is not None and not interim and status.rx_mode is RxMode.REDIRECT:
            home = known.home(pins, synthetic.ifindex, vf.ifindex)
            found["home"] = home is None or home.ifindex != vf.ifindex
    return found
