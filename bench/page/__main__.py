# SPDX-License-Identifier: GPL-2.0-only
"""`python -m bench.page docs` writes docs/benchmarks.md, docs/benchmarks/ and their pictures anew."""

import sys
from pathlib import Path

from bench.page.result import read_all
from bench.page.sections import BENCH
from bench.page.written import OURS, written

RESULTS = BENCH / "results"


def main(docs: Path) -> None:
    """Write everything."""
    texts = written(read_all(RESULTS))
    for pattern in OURS:
        for path in docs.glob(pattern):
            if str(path.relative_to(docs)) not in texts:
                path.unlink()
    for name, text in texts.items():
        (docs / name).parent.mkdir(exist_ok=True)
        (docs / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
