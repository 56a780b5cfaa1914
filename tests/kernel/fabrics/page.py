# SPDX-License-Identifier: GPL-2.0-only
"""``python -m tests.kernel.fabrics.page [FILE]``: measure every fabric, write docs/fabrics.md; needs root."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from netvsc_bpf.lab.plan import Fabric
from netvsc_bpf.lab.sandbox import enter_sandbox
from tests.kernel.fabrics.kinds import FABRICS, Kind, State, right
from tests.kernel.fabrics.measure import Measured
from tests.kernel.fabrics.table import Table, table

PAGE = Path(__file__).parents[3] / "docs" / "fabrics.md"
FRAMES = {
    Kind.UNICAST: "unicast to the guest",
    Kind.FLOODED: "unicast to the guest, flooded",
    Kind.BROADCAST: "broadcast",
    Kind.GROUP: "a group joined in this state",
    Kind.KEPT_GROUP: "a group joined in the state before",
    Kind.CROWDED_GROUP: "a group that does not fit into the VF's filter",
    Kind.STRANGE_GROUP: "a group that was not joined",
    Kind.FOREIGN: "unicast to an unknown station",
    Kind.OWN_BROADCAST: "the guest's own broadcast",
    Kind.OWN_UNICAST: "the guest's own unicast to an unknown station",
    Kind.INNER: "unicast to a station behind a bridge",
    Kind.INNER_FLOODED: "unicast to a station behind a bridge, flooded",
    Kind.INNER_OWN_BROADCAST: "broadcast of a station behind a bridge",
    Kind.INNER_OWN_UNICAST: "unicast of a station behind a bridge to an unknown one",
}
_STATES = {
    State.ARMED: "VF in use",
    State.SETTLING: "VF settling",
    State.DAMPED: "VF damped",
    State.NO_MANAGER: "VF in use, no manager",
}
_HEAD = """# Frames on each fabric

For operators who want to know what arrives. Measured by `python -m tests.kernel.fabrics.page`, which writes
this page; the same measurement is a test (`tests/kernel/fabrics`), and a cell that is not right fails it.
Each cell is how often one frame is delivered to the stack of the guest, then how many copies of it the fabric
handed to the synthetic NIC and to the VF. [How copies are recognised](how-it-works.md#copies-of-frames).

The VF filters as hardware does and is in all-multicast mode. Right is 1; for what the guest did not ask for 0
or 1; for what comes from the guest itself 0.
"""


def page(tables: Mapping[Fabric, Table]) -> str:
    """Return the page. Pure."""
    return "\n".join([_HEAD, *(line for fabric, found in tables.items() for line in _section(fabric, found))])


def cell(kind: Kind, found: Measured) -> str:
    """Return a cell of the page; what is wrong is bold."""
    text = f"{found.delivered} ({found.by_synthetic} + {found.by_vf})"
    return text if found.delivered in right(kind) else f"**{text}**"


def _section(fabric: Fabric, found: Table) -> Iterator[str]:
    yield from (f"## {str(fabric).capitalize()}", "")
    yield f"| frame | {' | '.join(_STATES.values())} |"
    yield "|---" * (1 + len(_STATES)) + "|"
    for kind, name in FRAMES.items():
        yield f"| {name} | {' | '.join(cell(kind, found[state, kind]) for state in _STATES)} |"
    yield ""


def main() -> None:
    """Measure and write."""
    enter_sandbox()
    with TemporaryDirectory() as folder:
        text = page({fabric: table(fabric, Path(folder)) for fabric in FABRICS})
    Path(sys.argv[1] if len(sys.argv) > 1 else PAGE).write_text(text)


if __name__ == "__main__":
    main()
