# SPDX-License-Identifier: GPL-2.0-only
"""Is a TOML file what an inventory has as netvsc_bpf_config?

Usage: python -m tests.fleet.same_config INVENTORY TOML
"""

import sys
import tomllib
from pathlib import Path

import yaml

if __name__ == "__main__":
    wanted = yaml.safe_load(Path(sys.argv[1]).read_text())["netvsc_bpf"]["vars"]["netvsc_bpf_config"]
    written = tomllib.loads(Path(sys.argv[2]).read_text())
    print(f"wanted:  {wanted}\nwritten: {written}")
    sys.exit(written != wanted)
