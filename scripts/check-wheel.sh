#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds the wheel and checks its contents: an editable install finds files in the checkout that a wheel may lack.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# From a copy, because setuptools leaves build/ behind, which would be included in the next wheel.
mkdir "$work/source"
cp -r pyproject.toml LICENSE README.md netvsc_bpf cli ebpf "$work/source"
.venv/bin/python -m pip -qq --disable-pip-version-check wheel --no-deps -w "$work" "$work/source"
.venv/bin/python - "$work"/netvsc_bpf-*.whl <<'PY'
import sys
import zipfile
from pathlib import Path

held = {name for name in zipfile.ZipFile(sys.argv[1]).namelist() if ".dist-info/" not in name}
wanted = set()
for folder, place in (("netvsc_bpf", ""), ("cli", "netvsc_bpf/"), ("ebpf", "netvsc_bpf/")):
    files = (path for path in Path(folder).rglob("*") if path.suffix in (".py", ".c", ".h", ".typed"))
    wanted |= {f"{place}{path}" for path in files}
for title, names in (("lacks", wanted - held), ("should not hold", held - wanted)):
    if names:
        print(f"wheel: {title}:", *sorted(names), sep="\n  ")
print(f"wheel: {len(held)} files, top level: {', '.join(sorted({name.split('/')[0] for name in held}))}")
sys.exit(held != wanted)
PY
