# SPDX-License-Identifier: GPL-2.0-only
"""Names of any bytes: what is read comes back as it was, and what is printed can be."""

import json
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netvsc_bpf.model.names import as_argument, decode, encode, json_text, quoted, read_back, shown, writable

ALLOWED = bytes(set(range(1, 256)) - set(b" \t\n\v\f\r\xa0/:"))
NAMES = st.lists(st.sampled_from(ALLOWED), min_size=1, max_size=15).map(bytes)


@given(NAMES)
def test_a_name_survives(name: bytes) -> None:
    assert encode(decode(name + b"\0")) == name


@given(NAMES)
def test_what_is_shown_and_written_can_be_encoded_and_stays_on_its_line(name: bytes) -> None:
    text = decode(name)
    assert shown(text).isprintable()
    assert writable(text).encode()
    assert json.loads(json_text({"a": [text]})) == {"a": [writable(text)]}


@given(st.lists(st.sampled_from(ALLOWED.replace(b"\\", b"")), max_size=15).map(bytes))
@example("\U00040000".encode())
@example("\U0010ffff".encode())
def test_what_is_shown_can_be_read_back(name: bytes) -> None:
    assert encode(read_back(shown(decode(name)))) == name


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"caf\xe9", r"caf\xe9"),
        ("café".encode(), "café"),
        (b"a\x1bb", r"a\x1bb"),
        (b"a\x1cb", r"a\x1cb"),
        ("a\x85b".encode(), r"a\u0085b"),
        ("\u202eb".encode(), r"\u202eb"),
        ("\U00040000b".encode(), r"\U00040000b"),
        (b'a"b', 'a"b'),
        (b"\x80\x7f", r"\x80\x7f"),
    ],
)
def test_shown(raw: bytes, text: str) -> None:
    assert shown(decode(raw)) == text


def test_lines_of_a_text_stay_lines() -> None:
    assert shown("one\ntwo\x1b[31m") == "one\n" + r"two\x1b[31m"


def test_json_keeps_what_unicode_has() -> None:
    assert json.loads(json_text(["a\x1b\x85", "caf\udce9"])) == ["a\x1b\x85", r"caf\xe9"]


@pytest.mark.parametrize("name", [b"eth0", b"it's", b"caf\xe9", b"a\x1b[1m", b"a\\b", b"$(id)", b"a\xff'\\"])
def test_a_quoted_name_is_that_name_to_a_shell(name: bytes) -> None:
    script = f"printf %s {quoted(decode(name))}"
    assert subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout == name


def test_name_that_looks_like_an_option_is_distinguished() -> None:
    assert (as_argument("eth0"), as_argument("--all")) == ("eth0", "-- --all")
