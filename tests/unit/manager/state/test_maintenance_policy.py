# SPDX-License-Identifier: GPL-2.0-only
"""The address of the metadata service: an address, so that neither DNS nor a path leads elsewhere."""

import pytest

from netvsc_bpf.manager.state.maintenance_policy import Endpoint, parse_endpoint
from netvsc_bpf.model.errors import Refused


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("http://169.254.169.254", Endpoint()),
        ("HTTP://169.254.169.254/", Endpoint()),
        ("http://127.0.0.1:8080", Endpoint("127.0.0.1", 8080)),
        ("http://[fd00:EC2::254]", Endpoint("fd00:ec2::254")),
        ("http://[::1]:65535/", Endpoint("::1", 65535)),
    ],
)
def test_s99_endpoint_is_an_address_and_a_port(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text) == endpoint
    assert parse_endpoint(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "169.254.169.254",
        "https://169.254.169.254",
        "http://",
        "http://metadata.example",
        "http://169.254.169.254/metadata",
        "http://169.254.169.254?x",
        "http://user@169.254.169.254",
        "http://169.254.169.254:0",
        "http://169.254.169.254:65536",
        "http://169.254.169.254:",
        "http://169.254.169.254:+80",
        "http://169.254.169.256",
        "http://169.254.169",
        "http://2130706433",
        "http://[169.254.169.254]",
        "http://::1",
        "http://[::1",
        "http://[fe80::1%eth0]",
        "http://169.254.169.254 ",
        "http://169.254.169.254\nX: y",
        "http://\uff11.1.1.1",
    ],
)
def test_s99_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="must be"):
        parse_endpoint(text)


def test_s99_host_has_brackets_and_port_where_http_wants_them() -> None:
    hosts = [Endpoint().host, Endpoint("::1").host, Endpoint("::1", 81).host]
    assert hosts == ["169.254.169.254", "[::1]", "[::1]:81"]
