# SPDX-License-Identifier: GPL-2.0-only
"""Where the exporter listens: what is understood, and what is refused in one line."""

from pathlib import Path

import pytest

from netvsc_bpf.metrics.config import Listen, MetricsConfig, parse_listen
from netvsc_bpf.model.errors import Refused


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("127.0.0.1:9855", Listen("127.0.0.1", 9855)),
        ("0.0.0.0:0", Listen("0.0.0.0", 0)),
        (":9100", Listen("", 9100)),
        ("[::1]:9855", Listen("::1", 9855)),
        ("localhost:65535", Listen("localhost", 65535)),
        ("none", None),
    ],
)
def test_an_address_is_understood(text: str, meant: Listen | None) -> None:
    assert parse_listen(text) == meant


@pytest.mark.parametrize(
    "text", ["", "9855", "127.0.0.1", "host:65536", "host:-1", "host:x", "::1:9855", "h:\u0661"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused, match=r"127\.0\.0\.1:9855"):
        parse_listen(text)


@pytest.mark.parametrize("listen", [Listen(), Listen("::1", 1)])
def test_what_is_shown_is_understood_again(listen: Listen) -> None:
    assert parse_listen(str(listen)) == listen


@pytest.mark.parametrize("half", [{"cert_file": Path("c")}, {"key_file": Path("k")}])
def test_half_of_tls_is_refused(half: dict[str, Path]) -> None:
    with pytest.raises(Refused, match="name both"):
        MetricsConfig(**half)
