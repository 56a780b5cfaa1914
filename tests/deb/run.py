# SPDX-License-Identifier: GPL-2.0-only
"""Installs, upgrades, removes and purges the package on Debian's releases, over the running kernel.

`python -m tests.deb.run [--upgrades N] [SUITE...]`, as root. It prints what each step found.
"""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from netvsc_bpf.lab.sandbox import enter_sandbox
from netvsc_bpf.lab.topology import Lab
from tests.deb import bare, network_managers, packages
from tests.deb.life import Life
from tests.deb.machine import Machine, StepFailed
from tests.deb.roots import STABLE, SUITES, cache, root_of


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(prog="make deb-test")
    parser.add_argument(
        "--upgrades", type=int, default=10, help="how often to upgrade, and downgrade between"
    )
    parser.add_argument("suites", nargs="*", help=", ".join(SUITES), metavar="SUITE")
    arguments = parser.parse_args()
    suites = arguments.suites or list(STABLE)
    if unknown := set(suites) - SUITES.keys():
        parser.error(f"no such suite: {', '.join(unknown)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that machines end with it
    enter_sandbox()
    cache().mkdir(parents=True, exist_ok=True)
    failed = []
    with tempfile.TemporaryDirectory(prefix="work-", dir=cache()) as work:
        share = Path(work) / "share"
        share.mkdir()
        built = packages.build(share)
        for suite in suites:
            began = time.monotonic()
            print(f"=== {SUITES[suite]} ({suite})", flush=True)
            root_of(suite)
            try:
                _suite(suite, Path(work) / suite, share, built, arguments.upgrades)
            except StepFailed as error:
                failed.append(suite)
                print(f"  FAILED: {error}", flush=True)
            print(f"  {time.monotonic() - began:.0f} s", flush=True)
    print(
        f"deb-test: failed on {', '.join(failed)}" if failed else f"deb-test: passed on {', '.join(suites)}"
    )
    return bool(failed)


def _suite(suite: str, folder: Path, share: Path, built: packages.Packages, upgrades: int) -> None:
    installed = bare.install(suite, folder, share, built)
    _print("installed", installed.versions)
    _print("doctor", installed.doctor)
    _print("demo", installed.demo)
    with Lab() as lab, Machine(installed.lower, folder / "systemd", share, lab.guest) as machine:
        try:
            _life(machine, Life(machine, lab, built, share), built, upgrades)
        except StepFailed as error:
            journal = machine.run("journalctl --no-pager --output=cat | tail -n 40")
            raise StepFailed(f"{error}\n{journal}") from error


def _life(machine: Machine, life: Life, built: packages.Packages, upgrades: int) -> None:
    before = life.clean()
    life.start(built.other_abi)
    life.change(built.current, "upgrade from another map layout")
    life.refuse(built.other_abi)
    life.unit()
    network_managers.check(machine)
    for number in range(1, upgrades + 1):
        life.change(built.previous, f"downgrade {number}")
        life.change(built.current, f"upgrade {number}")
    life.remove()
    life.refuse_after_removal(built.other_abi)
    life.purge(before)


def _print(title: str, text: str) -> None:
    print(f"  {title}:", *text.rstrip().splitlines(), sep="\n    ", flush=True)


if __name__ == "__main__":
    sys.exit(main())
