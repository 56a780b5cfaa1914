# SPDX-License-Identifier: GPL-2.0-only
"""Attributes taken apart and put together."""

from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.kernel.net.rtnetlink import attribute, attributes


@given(st.dictionaries(st.integers(0, 0x3FFF), st.binary(max_size=40)))
def test_attributes_come_back_as_they_went(values: dict[int, bytes]) -> None:
    assert attributes(b"".join(attribute(kind, value) for kind, value in values.items())) == values


@given(st.binary(max_size=80))
def test_nonsense_ends(data: bytes) -> None:
    attributes(data)


def test_flags_in_the_kind_are_no_part_of_it() -> None:
    assert attributes(attribute(0x8000 | 18, b"nest")) == {18: b"nest"}
