# SPDX-License-Identifier: GPL-2.0-only
"""`python -m bench.page docs` writes docs/benchmarks.md and its pictures anew, and removes old pictures."""

import sys
from pathlib import Path

from bench.page.markdown import page, pictures
from bench.page.result import read_all
from bench.page.sections import BENCH

RESULTS = BENCH / "results"


def main(docs: Path) -> None:
    """Write everything."""
    results = read_all(RESULTS)
    (docs / "benchmarks.md").write_text(page(results), encoding="utf-8")
    drawn = pictures(results)
    for path in (docs / "pictures").glob("bench-*.svg"):
        if f"pictures/{path.name}" not in drawn:
            path.unlink()
    for name, picture in drawn.items():
        (docs / name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
