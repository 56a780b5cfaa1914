# SPDX-License-Identifier: GPL-2.0-only
"""The client of the metadata service, against servers that do all that a server must not do."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.maintenance import azure_document
from netvsc_bpf.manager.maintenance.azure import AzureEvents
from netvsc_bpf.manager.maintenance.metadata_http import Request, answer
from netvsc_bpf.manager.maintenance.notice import Notice
from netvsc_bpf.manager.state.maintenance_policy import Endpoint
from netvsc_bpf.model.errors import NoticesUnavailable
from tests.kernel.support.maintenance import metadata_service
from tests.kernel.support.metadata_service import MetadataService

EVENTS = Request(azure_document.EVENTS, azure_document.HEADERS)


@pytest.fixture
def azure(lab: Lab) -> Iterator[MetadataService]:
    with metadata_service(lab) as service:
        yield service


def read(lab: Lab, source: AzureEvents) -> tuple[Notice, ...]:
    return lab.in_guest(lambda: asyncio.run(source.read()))


def got(lab: Lab, request: Request = EVENTS, limit_s: float = 5.0) -> bytes:
    return lab.in_guest(lambda: asyncio.run(answer(Endpoint(), request, limit_s)))


def refused(lab: Lab, request: Request = EVENTS, limit_s: float = 5.0) -> str:
    with pytest.raises(NoticesUnavailable) as raised:
        got(lab, request, limit_s)
    return raised.value.why


def test_s99_events_of_this_vm_are_read_and_acknowledged(lab: Lab, azure: MetadataService) -> None:
    source = AzureEvents(Endpoint())
    assert read(lab, source) == ()
    azure.schedule("one", 60, "Freeze", "vm-2")
    azure.schedule("two", 60, mine=False)
    (notice,) = read(lab, source)
    assert (notice.key.id, notice.started, notice.duration_s) == ("one", False, 9.0)
    lab.in_guest(lambda: asyncio.run(source.acknowledge(["one"])))
    (notice,) = read(lab, source)
    assert notice.started and notice.not_before is None and azure.acknowledged == ["one"]
    azure.finish("one")
    assert read(lab, source) == () and azure.refused == []


def test_s99_only_the_first_answer_about_events_may_take_minutes(lab: Lab, azure: MetadataService) -> None:
    source = AzureEvents(Endpoint(), limit_s=0.3, first_s=30.0)
    read_name = lab.in_guest(lambda: asyncio.run(source.read()))
    assert read_name == ()
    azure.delay_s = 0.8
    with pytest.raises(NoticesUnavailable, match=r"no answer within 0\.3 s"):
        read(lab, source)
    fresh = AzureEvents(Endpoint(), limit_s=0.3, first_s=30.0)
    fresh._name = "vm-1"
    azure.delay_s = 0.8
    assert read(lab, fresh) == ()


def test_s99_service_that_does_not_listen_is_reported_in_the_kernels_words(lab: Lab) -> None:
    silent = Endpoint("127.0.0.1", 9)
    with pytest.raises(NoticesUnavailable) as raised:
        lab.in_guest(lambda: asyncio.run(answer(silent, EVENTS, 5.0)))
    assert raised.value.why == "Connection refused"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 410, 429, 500, 503])
def test_s99_any_other_status_is_no_answer(lab: Lab, azure: MetadataService, status: int) -> None:
    azure.status = status
    assert refused(lab) == f"it answered {status}"
    assert azure.requests == [], "a redirect is not followed"


def test_s99_request_without_the_header_or_of_another_version_is_refused(
    lab: Lab, azure: MetadataService
) -> None:
    """The fake is as strict as the service."""
    assert refused(lab, Request(azure_document.EVENTS, {})) == "it answered 400"
    assert refused(lab, Request("/metadata/scheduledevents?api-version=latest", azure_document.HEADERS))
    assert refused(lab, Request("/metadata/scheduledevents", azure_document.HEADERS)) == "it answered 400"
    assert refused(lab, Request(azure_document.EVENTS, azure_document.HEADERS, b"{}")) == "it answered 400"
    assert len(azure.refused) == 4


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "wire", [CHUNKED, b"HTTP/1.0 200 OK\r\n\r\n{}", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}more"]
)
def test_s99_body_ends_where_http_says(lab: Lab, azure: MetadataService, wire: bytes) -> None:
    azure.wire = wire
    assert got(lab) == b"{}"


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"\x00\xff" * 100,
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + b"x" * (2 << 20),
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n{}",
        CHUNKED[:-9],
        b"HTTP/1.1 two hundred\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n{}\r\n0\r\n\r\n",
    ],
    ids=range(12),
)
def test_s99_what_is_not_http_or_is_cut_off_is_no_answer(
    lab: Lab, azure: MetadataService, wire: bytes
) -> None:
    azure.wire = wire
    assert refused(lab)


def test_s99_large_answer_is_not_read(lab: Lab, azure: MetadataService) -> None:
    azure.raw = b" " * (2 << 20)
    assert refused(lab) == "the answer is larger than 1 MB"


def test_s99_server_that_sends_a_byte_now_and_then_is_given_up(lab: Lab, azure: MetadataService) -> None:
    azure.trickle, azure.raw = True, b" " * 10_000
    begun = time.monotonic()
    assert refused(lab, limit_s=0.5) == "no answer within 0.5 s"
    assert time.monotonic() - begun < 5


def test_s99_service_without_a_route_is_no_answer(lab: Lab) -> None:
    assert refused(lab) == "Network is unreachable"
