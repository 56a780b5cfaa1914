# SPDX-License-Identifier: GPL-2.0-only
"""The status of one pair, in the format of `netvsc-bpf status --json`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from netvsc_bpf.model.attach_choice import AttachChoice
from netvsc_bpf.model.drain import Drained
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode, Hook, Liveness, Path, Reason, ReturnPolicy, RxMode, XdpMode
from netvsc_bpf.model.probe import Probe
from netvsc_bpf.model.timestamp import timestamp


@dataclass(frozen=True, slots=True)
class Traffic:
    """Packets (as skbs: a TSO frame counts once) and bytes, layer-2 header included."""

    packets: int = 0
    bytes: int = 0

    def __add__(self, other: "Traffic") -> "Traffic":
        return Traffic(self.packets + other.packets, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class PathTraffic:
    """One direction of a pair, by path."""

    vf: Traffic = Traffic()
    synthetic: Traffic = Traffic()


@dataclass(frozen=True, slots=True)
class Drops:
    """Packets dropped by this data path, or by the device that it selected."""

    tx_vf: int = 0
    """Steered to the VF and dropped there (IFLA_STATS64 tx_dropped since attach).

    Not every kernel counts packets dropped by a device that is down (noop_enqueue(): 6.12 does, 6.1 not).
    """
    rx_home: int | None = 0
    """Lost on delivery to the synthetic NIC, because a backlog is full or the NIC is down.

    None on level `netlink`, where no program counts them; 0 before Linux 5.18.
    """
    rx_duplicate: int = 0
    """Dropped as duplicates by guard or home."""


@dataclass(frozen=True, slots=True)
class PairStatus:
    """The state of one attached pair, read from the kernel."""

    synthetic: Nic
    vf: Nic | None
    path: Path
    reason: Reason
    hook: Hook
    liveness: Liveness
    rx_mode: RxMode
    guard: GuardMode
    tx: PathTraffic
    rx: PathTraffic
    drops: Drops
    path_changes: int
    last_change: datetime | None
    since: datetime | None = None
    """Since when it has been on this path; None: since attach, or a failure is not detected yet."""
    settle_ms: int | None = None
    """How long the VF must have been usable before it is used; None until a VF was permitted."""
    managed: bool | None = None
    """Whether a manager runs for this pair; None if not checked."""
    until: datetime | None = None
    """When the VF will be used, or tried again, if it does not fail before; None if not known."""
    taken_down: Reason | None = None
    """Why the manager took the VF down, None if it did not, or the VF was brought up since."""
    drained: Drained | None = None
    """The drain of the pair, also one that has expired but was not ended yet."""
    chosen: AttachChoice | None = None
    """What an operator chose for the pair with `attach`, None if nothing."""
    unused: tuple[str, ...] = ()
    """While it has no VF: NICs with its MAC, and why they are not used, in words."""
    passed_by: tuple[int, ...] = ()
    """tcx programs (ids) behind steer: they do not see packets for the VF."""
    probe: Probe | None = None
    """What the manager's probe found; None without a manager, or if it is disabled."""

    guard_xdp: XdpMode | None = None
    """Where guard runs; None if it is not attached."""
    return_policy: ReturnPolicy = ReturnPolicy.AUTO
    """Whether a VF that failed is used again by itself."""

    def as_json(self) -> dict[str, Any]:
        """Return the object that `status --json` prints (CONTRACT.md)."""
        return {
            "interface": self.synthetic.name,
            "ifindex": self.synthetic.ifindex,
            "driver": self.synthetic.driver,
            "mac": self.synthetic.mac,
            "vf": None if self.vf is None else _vf_json(self.vf, self.taken_down),
            "path": self.path.value,
            "reason": self.reason.value,
            "hook": self.hook.value,
            "liveness": self.liveness.value,
            "rx": self.rx_mode.value,
            "guard": self.guard.value,
            "guard_xdp": None if self.guard_xdp is None else self.guard_xdp.value,
            "return": self.return_policy.value,
            "counters": {"tx": _direction_json(self.tx), "rx": _direction_json(self.rx)},
            "drops": {
                "tx": {"vf": self.drops.tx_vf},
                "rx": {"home": self.drops.rx_home, "duplicate": self.drops.rx_duplicate},
            },
            "path_changes": self.path_changes,
            "last_change": None if self.last_change is None else timestamp(self.last_change),
            "settle_ms": self.settle_ms,
            "managed": self.managed,
            "until": None if self.until is None else timestamp(self.until),
            "drained": None if self.drained is None else _drained_json(self.drained),
            "chosen": None if self.chosen is None else self.chosen.as_json(),
            "unused": list(self.unused),
            "passed_by": list(self.passed_by),
            "probe": None if self.probe is None else _probe_json(self.probe),
        }


def _vf_json(vf: Nic, taken_down: Reason | None) -> dict[str, Any]:
    return {
        "interface": vf.name,
        "ifindex": vf.ifindex,
        "driver": vf.driver,
        "bus": vf.parent,
        "up": vf.up,
        "carrier": vf.carrier,
        "taken_down": None if taken_down is None else taken_down.value,
    }


def _drained_json(drained: Drained) -> dict[str, Any]:
    return {
        "since": timestamp(drained.since),
        "until": None if drained.until is None else timestamp(drained.until),
        "why": drained.why or None,
        "by": drained.by.value,
    }


def _probe_json(probe: Probe) -> dict[str, Any]:
    return {
        "targets": list(probe.targets),
        "state": probe.state.value,
        "last_answer": None if probe.last_answer is None else timestamp(probe.last_answer),
    }


def _direction_json(direction: PathTraffic) -> dict[str, dict[str, int]]:
    return {
        "vf": {"packets": direction.vf.packets, "bytes": direction.vf.bytes},
        "synthetic": {"packets": direction.synthetic.packets, "bytes": direction.synthetic.bytes},
    }
