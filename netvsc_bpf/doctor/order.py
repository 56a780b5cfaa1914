# SPDX-License-Identifier: GPL-2.0-only
"""In which order do programs run on the devices of a pair?

On receive: XDP, then tcx in its order, then the filters of clsact. On transmit: tcx, then the filters
(net/core/dev.c). No program after one that redirects or drops sees that packet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from netvsc_bpf.doctor.finding import Finding, ok, warning
from netvsc_bpf.kernel.bpf.program_names import program_name
from netvsc_bpf.kernel.hooks import clsact
from netvsc_bpf.kernel.hooks.tcx import Direction
from netvsc_bpf.kernel.hooks.tcx_query import tcx_programs
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.model.nic import Nic

CHECK = "program-order"
_WORDS = {Direction.INGRESS: "receives", Direction.EGRESS: "sends"}


@dataclass(frozen=True, slots=True)
class Hooked:
    """The programs on one direction of one NIC, by id, in the order in which they run."""

    nic: str
    direction: Direction
    xdp: tuple[int, ...] = ()
    tcx: tuple[int, ...] = ()
    filters: tuple[int | None, ...] = ()
    """None is a filter without a BPF program: u32, flower, matchall, ..."""

    @property
    def programs(self) -> tuple[int, ...]:
        """All programs."""
        return (*self.xdp, *self.tcx, *(one for one in self.filters if one is not None))


def check_order(hooked: Hooked, ours: Mapping[int, str], names: Mapping[int, str]) -> Finding | None:
    """List the programs; None if there are none. ``names`` are those of foreign programs, if known."""
    steps = [
        *(f"XDP {_program(one, ours, names)}" for one in hooked.xdp),
        *(f"tcx {_program(one, ours, names)}" for one in hooked.tcx),
        *(
            "filter without a BPF program" if one is None else f"filter {_program(one, ours, names)}"
            for one in hooked.filters
        ),
    ]
    if not steps:
        return None
    return ok(CHECK, f"{hooked.nic} {_WORDS[hooked.direction]} through {', then '.join(steps)}")


def check_blind(hooked: Hooked, ours: Mapping[int, str], names: Mapping[int, str]) -> Finding | None:
    """Warn of programs on the VF that run after home: they do not see the packets that home redirects."""
    places = {ours[one]: place for place, one in enumerate(hooked.programs) if one in ours}
    if hooked.direction is not Direction.INGRESS or "home" not in places:
        return None
    after = [one for one in hooked.programs[places["home"] + 1 :] if one not in ours]
    if not after:
        return None
    shown = ", ".join(_program(one, ours, names) for one in after)
    return warning(
        "foreign-tc",
        f"{hooked.nic} ingress, bypassed by packets that home redirects to the synthetic NIC: {shown}",
        "attach them to the synthetic NIC, or with tcx before home (BPF_F_BEFORE)",
    )


def read_hooked(rtnl: Rtnetlink, nic: Nic, direction: Direction) -> Hooked:
    """Ask the kernel. Raises OSError."""
    filters = clsact.filters(rtnl, nic.ifindex, direction) if clsact.has_qdisc(rtnl, nic.ifindex) else []
    xdp = nic.xdp_prog_id if direction is Direction.INGRESS else None
    return Hooked(
        nic.name,
        direction,
        () if xdp is None else (xdp,),
        tuple(tcx_programs(nic.ifindex, direction)),
        tuple(one.prog_id for one in filters),
    )


def names_of(
    programs: set[int], ours: Mapping[int, str], name: Callable[[int], str | None] = program_name
) -> dict[int, str]:
    """Return the names of foreign programs, as far as they can be read."""
    found = {one: name(one) for one in programs if one not in ours}
    return {one: known for one, known in found.items() if known is not None}


def _program(prog_id: int, ours: Mapping[int, str], names: Mapping[int, str]) -> str:
    if prog_id in ours:
        return f"{ours[prog_id]} (ours)"
    return f"{names[prog_id]} (program {prog_id})" if prog_id in names else f"program {prog_id}"
