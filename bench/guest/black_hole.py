# SPDX-License-Identifier: GPL-2.0-only
"""Measures black holes in labs in a guest, whose kernel has bonding, as JOB says."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from bench.black_holes import measure
from netvsc_bpf.lab.directions import Direction
from netvsc_bpf.lab.sandbox import enter_sandbox


def main() -> None:
    """Measure each contender in each direction; what was measured is written after each."""
    job, out, found = json.loads(os.environ["JOB"]), Path(sys.argv[1]), []
    enter_sandbox()
    for contender, missed in job["contenders"]:
        for direction in Direction:
            outcome = measure(contender, direction, job["times"], job["rate"], missed)
            print(f"{contender}, missed {missed}, {direction}: lost {outcome.lost}", flush=True)
            found.append(asdict(outcome))
            out.write_text(json.dumps({"outcomes": found, "kernel": os.uname().release}))


if __name__ == "__main__":
    main()
