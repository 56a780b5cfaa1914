# SPDX-License-Identifier: GPL-2.0-only
"""docs/fabrics.md has every cell of the table, and each is right."""

import re

from tests.kernel.fabrics.kinds import FABRICS, Kind, State, right
from tests.kernel.fabrics.page import FRAMES, PAGE


def test_s80_the_page_has_every_class_of_frames_in_every_state_on_every_fabric() -> None:
    assert set(FRAMES) == set(Kind)
    _, *sections = re.split(r"^## ", PAGE.read_text(), flags=re.M)
    assert [section.split("\n")[0].lower() for section in sections] == list(FABRICS)
    for section in sections:
        rows = {row.split(" | ")[0].strip("| "): row for row in section.splitlines() if row.startswith("| ")}
        for kind, name in FRAMES.items():
            cells = re.findall(r"(\d+) \((\d+) \+ (\d+)\)", rows[name])
            assert len(cells) == len(State), (section.split("\n")[0], name)
            assert {int(delivered) for delivered, _, _ in cells} <= right(kind), (
                section.split("\n")[0],
                name,
            )
