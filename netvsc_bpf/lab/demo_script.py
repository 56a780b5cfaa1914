# SPDX-License-Identifier: GPL-2.0-only
"""The events of the demo, in order, and the packets that each may lose."""

from collections.abc import Callable
from dataclasses import dataclass

from netvsc_bpf.lab.cli import Product
from netvsc_bpf.lab.demo_result import NO_PATH, Expectation, May
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path

# Longer than the default: guest and switch share one kernel here, and a bridge port may need some hundred
# milliseconds after its carrier until it forwards.
SETTLE_MS = 500
SYNTHETIC_NIC = "eth0"
VF = "vf0"


@dataclass(frozen=True, slots=True)
class Step:
    """One event: what is done, and what is expected."""

    title: str
    act: Callable[[], None]
    expected: Expectation


def script(lab: Lab, product: Product) -> tuple[Step, ...]:
    """Return the events of the demo. It runs without a manager: a new VF is attached by command."""
    vf, synthetic = Path.VF.value, Path.SYNTHETIC.value
    in_flight = May.LOSE_WHAT_IS_IN_FLIGHT

    def plug() -> None:
        lab.plug_vf()
        product.attach(SYNTHETIC_NIC, VF, SETTLE_MS)

    return (
        Step("attach", lambda: product.attach(SYNTHETIC_NIC, VF, SETTLE_MS), Expectation(vf)),
        # Packets that the peer sent before the switch noticed the removal were given to the VF and are lost.
        Step("VF down", lab.vf_down, Expectation(synthetic, rx=in_flight)),
        Step("VF up", lab.vf_up, Expectation(vf)),
        # Loss of carrier is noticed at the far end first.
        Step(
            "carrier lost", lambda: lab.vf_carrier(False), Expectation(synthetic, tx=in_flight, rx=in_flight)
        ),
        Step("carrier back", lambda: lab.vf_carrier(True), Expectation(vf)),
        Step("VF removed", lab.unplug_vf, Expectation(synthetic, tx=in_flight, rx=in_flight)),
        Step("VF plugged in again", plug, Expectation(vf)),
        Step("detach", lambda: product.detach(SYNTHETIC_NIC), Expectation(NO_PATH)),
    )
