# SPDX-License-Identifier: GPL-2.0-only
"""Who is admitted."""

import base64

import bcrypt
import pytest

from netvsc_bpf.metrics import auth as auth_module
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


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The passwords that bcrypt was asked about; each costs a second of the clock."""
    asked: list[bytes] = []

    def check(password: bytes, hashed: bytes) -> bool:
        asked.append(password)
        return password == b"right"

    monkeypatch.setattr(auth_module, "_matches", check)
    return asked


def test_a_wrong_password_that_comes_again_costs_nothing(checks: list[bytes]) -> None:
    auth = BasicAuth((("prom", HASH),))
    assert not any(auth.admits(basic("prom:wrong")) for _ in range(100))
    assert checks == [b"wrong"]
    assert not auth.admits(basic("other:wrong"))
    assert checks == [b"wrong"] * 2


def test_s74_exporter_guesses_take_a_tenth_of_a_cpu_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    now, burnt = [0.0], [0.0]

    def check(password: bytes, hashed: bytes) -> bool:
        now[0] += 1.0
        burnt[0] += 1.0
        return password == b"right"

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(auth_module, "_matches", check)
    monkeypatch.setattr(auth_module.time, "sleep", sleep)
    auth = BasicAuth((("prom", HASH),), clock=lambda: now[0])
    assert auth.admits(basic("prom:right"))
    begun, burnt[0] = now[0], 0.0
    assert not any(auth.admits(basic(f"prom:guess {number}")) for number in range(50))
    assert burnt[0] == 50 and burnt[0] <= (now[0] - begun) / 9
    last = now[0]
    assert auth.admits(basic("prom:right")) and now[0] == last, "what is known does not wait for guesses"


def test_a_guess_whose_client_is_gone_is_not_checked(checks: list[bytes]) -> None:
    now = [0.0]
    auth = BasicAuth((("prom", HASH),), clock=lambda: now[0])
    auth._not_before = 5.0
    assert not auth.admits(basic("prom:right"), lambda: True)
    assert checks == []
    now[0] = 6.0
    assert auth.admits(basic("prom:right"))
