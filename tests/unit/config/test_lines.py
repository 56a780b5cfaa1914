# SPDX-License-Identifier: GPL-2.0-only
"""Finding the line of a key in whatever way TOML lets it be written."""

import pytest

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
    ],
)
def test_line_on_which_a_key_begins(path: list[str], line: int) -> None:
    assert line_of(TEXT, path) == line
