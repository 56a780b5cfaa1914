# SPDX-License-Identifier: GPL-2.0-only
"""A guest migrates under traffic, there and back, with and without a manager: `make migration-test`.

``python -m tests.migration.run managed`` runs one scenario; there are managed, killed, silent, bonding and
net_failover. The last two show what others lose, and are not judged.
"""

import signal
import sys
import tempfile
from pathlib import Path

from netvsc_bpf.lab.sandbox import enter_sandbox
from tests.kernel.support.manager_log import objects_in
from tests.migration.contenders import Kind
from tests.migration.image import image
from tests.migration.losses import Phase
from tests.migration.trip import Found, Trip
from vm.kernels import kernels

KERNEL = "6.12"
JUDGED = (Kind.MANAGED, Kind.KILLED, Kind.SILENT)
_AT_THE_UNPLUG = 1
"""Packets that the VF's driver may have in its ring when it is closed, by migration and direction."""


def main(arguments: list[str]) -> int:
    """Run the scenarios; return the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("migration-test: terminated"))
    wanted = [kind for kind in Kind if kind.name.lower() in arguments] or list(JUDGED)
    guest = image(kernels()[KERNEL])
    enter_sandbox()  # the namespaces end with this process, however it ends
    problems = []
    for kind in wanted:
        with tempfile.TemporaryDirectory(prefix="netvsc-bpf-migration-") as folder:
            found = Trip(kind, guest, Path(folder), _show).run()
        _show(summary(kind, found))
        if kind in JUDGED:
            problems += [f"{kind}: {problem}" for problem in judged(found)]
    for problem in problems:
        _show(f"FAILED: {problem}")
    _show("failed" if problems else "passed")
    return int(bool(problems))


def judged(found: Found) -> list[str]:
    """Return what must not be."""
    problems = []
    for name, counts in (("to the guest", found.to_guest), ("from the guest", found.from_guest)):
        if counts[Phase.UNPLUG] > _AT_THE_UNPLUG * len(found.times):
            problems.append(f"{counts[Phase.UNPLUG]} packets {name} were lost to the unplug")
        if counts[Phase.OTHER]:
            problems.append(f"{counts[Phase.OTHER]} packets {name} were lost to neither unplug nor pause")
    if found.twice:
        problems.append(f"{found.twice} packets arrived twice")
    if found.tcp_intact is False:
        problems.append("the TCP stream was not intact")
    if any(one.used is None for one in found.times):
        problems.append("the VF was not used again")
    events = list(objects_in(found.notes["manager"].splitlines()))
    if any(event["event"] == "damped" for event in events):
        problems.append("an unplug counted as a failure: the pair was damped")
    if left := {event["reason"] for event in events if event.get("to") == "synthetic"} - {"vf-gone"}:
        problems.append(f"the VF was left as {', '.join(sorted(left))} instead of vf-gone")
    if warnings := [
        line for line in found.notes["dmesg"].splitlines() if "WARNING:" in line or "BUG:" in line
    ]:
        problems.append(f"the guest's kernel complained: {warnings[0]}")
    return problems


def summary(kind: Kind, found: Found) -> str:
    """Return one line."""
    lost = ", ".join(
        f"{name} " + " ".join(f"{phase}={counts[phase]}" for phase in Phase)
        for name, counts in (("to guest", found.to_guest), ("from guest", found.from_guest))
    )
    tcp = "" if found.tcp_intact is None else f"; TCP {'intact' if found.tcp_intact else 'BROKEN'}"
    return f"{kind}: of {found.sent_to_guest} and {found.sent_from_guest} packets lost {lost}{tcp}"


def _show(line: str) -> None:
    print(f"migration-test: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
