# SPDX-License-Identifier: GPL-2.0-only
"""Who is admitted."""

import base64

import bcrypt
import pytest

from netvsc_bpf.metrics.auth import BasicAuth
from netvsc_bpf.metrics.config import MetricsConfig
from netvsc_bpf.model.errors import Refused

HASH = bcrypt.hashpw("s3cret:\u00fc".encode(), bcrypt.gensalt(4)).decode()


def basic(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return f"Basic {base64.b64encode(raw).decode()}"


def test_without_users_everybody_is_admitted() -> None:
    assert BasicAuth(()).admits(None)


def test_the_right_password_is_admitted_again_and_again() -> None:
    auth = BasicAuth((("prom", HASH),))
    assert all(auth.admits(basic("prom:s3cret:\u00fc")) for _ in range(3))
    assert auth.admits(basic("prom:s3cret:\u00fc").replace("Basic", "basic"))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Bearer abc",
        basic("prom"),
        basic("prom:wrong"),
        basic("prom:"),
        basic("other:s3cret:\u00fc"),
        basic(b"\xff\xfe:x"),
        basic("prom:" + "x" * 500),
        basic(b"prom:a\0b"),
    ],
)
def test_anything_else_is_not(header: str | None) -> None:
    auth = BasicAuth((("prom", HASH),))
    assert not auth.admits(header)
    assert auth.admits(basic("prom:s3cret:\u00fc"))
    assert not auth.admits(header)


def test_hashes_of_htpasswd_are_taken() -> None:
    auth = BasicAuth((("prom", HASH.replace("$2b$", "$2y$")),))
    assert auth.admits(basic("prom:s3cret:\u00fc"))


@pytest.mark.parametrize("password", ["s3cret", "$apr1$x$y", HASH[:-1]])
def test_a_password_in_the_clear_is_refused_as_configuration(password: str) -> None:
    with pytest.raises(Refused, match="bcrypt") as refusal:
        MetricsConfig(users=(("prom", password),))
    assert password not in str(refusal.value)
