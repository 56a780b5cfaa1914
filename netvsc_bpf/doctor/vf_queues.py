# SPDX-License-Identifier: GPL-2.0-only
"""Is the receive work of the VF spread over CPUs: its queues, their interrupts, RPS?

Read from the VF's PCI device in sysfs, which is visible in every network namespace, and from /proc/irq. What
cannot be read is not checked.
"""

from dataclasses import dataclass
from pathlib import Path

from netvsc_bpf.doctor.finding import Finding, ok, warning
from netvsc_bpf.model.nic import Nic

CHECK = "vf-queues"
SYSFS = Path("/sys")
IRQ = Path("/proc/irq")


@dataclass(frozen=True, slots=True)
class Spread:
    """How the receive work of one device is spread."""

    queues: int
    """Receive queues, 0 if unknown."""
    irq_cpus: frozenset[int]
    """The CPUs that its interrupts go to, empty if it has none or they are unknown."""
    rps: bool
    """At least one receive queue passes its packets on to other CPUs (RPS)."""


def check_spread(vf: Nic, spread: Spread, cpus: int) -> Finding | None:
    """Warn if one CPU of several does all the work."""
    if cpus < 2 or not (spread.queues or spread.irq_cpus):
        return None
    shape = f"{vf.name}: {spread.queues} receive queue{'s' * (spread.queues != 1)}"
    if spread.irq_cpus:
        shape += f", interrupts on CPU {', '.join(map(str, sorted(spread.irq_cpus)))}"
    if spread.rps:
        return ok(CHECK, f"{shape}, spread over more CPUs by RPS")
    if spread.queues == 1:
        return warning(
            CHECK,
            f"{shape}, so one of {cpus} CPUs does all the receive work",
            f"`ethtool -L {vf.name} combined {cpus}`, or set rps_cpus of its queue",
        )
    if len(spread.irq_cpus) == 1:
        return warning(
            CHECK,
            f"{shape} only, so one of {cpus} CPUs does all the receive work",
            "run irqbalance, or write /proc/irq/*/smp_affinity_list",
        )
    return ok(CHECK, shape)


def read_spread(vf: Nic, sysfs: Path = SYSFS, irq: Path = IRQ) -> Spread:
    """Read the queues, interrupts and RPS masks."""
    if vf.bus is None or vf.parent is None:
        return Spread(0, frozenset(), False)
    device = sysfs / "bus" / vf.bus / "devices" / vf.parent
    queues = sorted((device / "net" / vf.name / "queues").glob("rx-*"))
    cpus: set[int] = set()
    for number in sorted(device.glob("msi_irqs/*")):
        cpus |= _affinity(irq / number.name)
    return Spread(len(queues), frozenset(cpus), any(_mask(queue / "rps_cpus") for queue in queues))


def _affinity(irq: Path) -> frozenset[int]:
    # effective_affinity_list: the CPUs in use, smp_affinity_list: the allowed CPUs (genirq).
    for name in ("effective_affinity_list", "smp_affinity_list"):
        try:
            return _cpu_list((irq / name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
    return frozenset()


def _cpu_list(text: str) -> frozenset[int]:
    """Return the CPUs of a list such as "0-3,8"."""
    cpus: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        cpus.update(range(int(first), int(last or first) + 1))
    return frozenset(cpus)


def _mask(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii").strip().replace(",", ""), 16)
    except (OSError, ValueError):
        return 0
