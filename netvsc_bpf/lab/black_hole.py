# SPDX-License-Identifier: GPL-2.0-only
"""A fabric port that swallows frames, in one direction or both, while its link stays up."""

from enum import StrEnum

from netvsc_bpf.lab.topology import Lab


class Way(StrEnum):
    """Frames from the guest, or to it; the names are those of the port's hooks."""

    FROM_GUEST = "ingress"
    TO_GUEST = "egress"


class BlackHole:
    """Swallows what passes a port of the lab's fabric."""

    def __init__(self, lab: Lab, port: str = "vf0") -> None:
        self._lab, self._port = lab, port
        self._table = f"netdev swallow_{port}"

    def swallow(self, *ways: Way) -> None:
        """Swallow in these directions from now on; without any, all frames pass again."""
        rules = [
            f"chain on_{way} {{ type filter hook {way} device {self._port} priority 0; policy drop; }};"
            for way in ways
        ]
        text = f"table {self._table} {{ {' '.join(rules)} }}" if rules else ""
        self._lab.run(
            self._lab.fabric, ["nft", f"add table {self._table}; delete table {self._table}; {text}"]
        )

    def work(self) -> None:
        """Let all frames pass."""
        self.swallow()
