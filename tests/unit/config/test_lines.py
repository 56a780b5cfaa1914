# SPDX-License-Identifier: GPL-2.0-only
"""Finding the line of a key in whatever way TOML lets it be written."""

import pytest

from netvsc_bpf.config import lines
from netvsc_bpf.config.lines import line_of

TEXT = """\
# [damping]
title = '''
[damping]
penalty = 1
'''
list = [ # penalty
  1,

  2,
]

[damping]
  "penalty" = 1
half_life_s = 2

[interface."eth0"]
vf = "vf0"
[interface]
eth1.vf = "vf1"
eth2 = { vf = \"\"\"a
b\"\"\", rx = [
  "x" ] } # ] "
quoted = \"\"\"\"\"two\"\"\"\"\"
[[array]]
inner = 1
[[array]]
[inner]
key = '#'
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["title"], 2),
        (["list"], 6),
        (["damping"], 12),
        (["damping", "penalty"], 13),
        (["damping", "half_life_s"], 14),
        (["interface", "eth0"], 16),
        (["interface", "eth0", "vf"], 17),
        (["interface", "eth1", "vf"], 19),
        (["damping", "not there"], 12),
        (["not there"], 1),
        (["interface", "eth2", "rx"], 20),
        (["interface", "quoted"], 23),
        (["array"], 24),
        (["array", "inner"], 24),
        (["inner", "key"], 28),
    ],
)
def test_line_on_which_a_key_begins(path: list[str], line: int) -> None:
    assert line_of(TEXT, path) == line


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"k{number} = {number}\n" for number in range(4000)),
        "list = [\n" + "  1,\n" * 8000 + "]\n",
        'text = """' + "\n" * 30_000 + '"""\n',
        "# nothing\n" * 3000,
        "".join(f"[table{number}]\nkey = 1\n" for number in range(1500)),
    ],
    ids=["keys", "array", "string", "comments", "tables"],
)
def test_work_grows_with_the_length_of_the_text_and_no_faster(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    text += "[last]\nkey = 1\n"
    parsed, really = 0, lines.tomllib.loads

    def loads(statement: str) -> dict[str, object]:
        nonlocal parsed
        parsed += len(statement)
        return really(statement)

    monkeypatch.setattr(lines.tomllib, "loads", loads)
    assert line_of(text, ["last", "key"]) == text.count("\n")
    assert parsed <= len(text)
