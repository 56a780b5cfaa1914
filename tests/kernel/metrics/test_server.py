# SPDX-License-Identifier: GPL-2.0-only
"""The exporter's server: clients that are slow, silent, many or unwanted, and a machine out of resources."""

import errno
import os
import resource
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, RemoteDisconnected

import pytest

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.metrics.auth import BasicAuth
from netvsc_bpf.metrics.config import Listen
from netvsc_bpf.metrics.server import Limits, MetricsServer
from tests.kernel.support.waiting import eventually

BODY = b"x 1\n"


@dataclass
class Serving:
    """A server in the guest of a lab, and what it reported."""

    lab: Lab
    server: MetricsServer
    reported: list[BaseException] = field(default_factory=list)

    def connect(self) -> socket.socket:
        return self.lab.in_guest(socket.create_connection, ("127.0.0.1", self.server.server_port), 10)

    def get(self, path: str = "/metrics", method: str = "GET") -> tuple[int, bytes, dict[str, str]]:
        with closing(HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)) as client:
            self.lab.in_guest(client.connect)
            client.request(method, path)
            answer = client.getresponse()
            return answer.status, answer.read(), dict(answer.headers)


Serve = Callable[..., Serving]


@contextmanager
def serving(lab: Lab, limits: Limits, answer: Callable[[], bytes] = lambda: BODY) -> Iterator[Serving]:
    reported: list[BaseException] = []
    server = lab.in_guest(
        MetricsServer, Listen("127.0.0.1", 0), answer, BasicAuth(()), None, reported.append, limits
    )
    with server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Serving(lab, server, reported)
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def serve(lab: Lab) -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda limits, **more: stack.enter_context(serving(lab, limits, **more))


def test_s74_exporter_slow_headers_do_not_silence_it(serve: Serve) -> None:
    """Each client sends a header line again and again, so no read of its own ever lasts long."""
    found = serve(Limits(connections=4, idle_s=60, head_s=60))
    over = threading.Event()

    def trickle(client: socket.socket) -> None:
        with client:
            try:
                client.sendall(b"GET /metrics HTTP/1.1\r\n")
                while not over.wait(0.05):
                    client.sendall(b"X-Slow: 1\r\n")
            except OSError:
                return  # it had to make room

    slow = [threading.Thread(target=trickle, args=(found.connect(),)) for _ in range(8)]
    for thread in slow:
        thread.start()
    try:
        assert [found.get()[:2] for _ in range(20)] == [(200, BODY)] * 20
    finally:
        over.set()
        for thread in slow:
            thread.join()
    assert found.reported == []


def test_s74_exporter_a_head_has_a_deadline_as_a_whole(serve: Serve) -> None:
    found = serve(Limits(head_s=0.3, idle_s=60))
    with found.connect() as client:
        ended = threading.Event()

        def trickle() -> None:
            try:
                while not ended.wait(0.05):
                    client.sendall(b"X")
            except OSError:
                return

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            assert client.recv(1) == b"", "closed, and not for silence"
        except ConnectionResetError:
            pass  # closed as well, with unread bytes
        finally:
            ended.set()
            thread.join()
    eventually("the place is given back", lambda: not found.server.connections._open)
    assert found.reported == []


def test_s74_exporter_a_head_that_breaks_off_is_not_waited_for_as_an_idle_client_is(serve: Serve) -> None:
    found = serve(Limits(head_s=0.2, idle_s=3600))
    with found.connect() as client:
        client.sendall(b"GET /metrics HTT")
        client.settimeout(30)
        assert client.recv(1) == b""


def test_s74_exporter_the_oldest_idle_connection_makes_room(serve: Serve) -> None:
    found = serve(Limits(connections=3))
    idle = [found.connect() for _ in range(3)]
    eventually("all are taken", lambda: len(found.server.connections._open) == 3)
    assert found.get()[:2] == (200, BODY)
    assert idle[0].recv(1) == b"", "the oldest was closed"
    for one in idle[1:]:
        one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one.recv(64).startswith(b"HTTP/1.1 200")
    for one in idle:
        one.close()


def test_s74_exporter_a_client_that_does_not_read_makes_room(serve: Serve) -> None:
    found = serve(Limits(connections=2, send_s=60), answer=lambda: b"x" * (64 << 20))
    with found.connect() as one, found.connect() as two:
        for client in (one, two):
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(8) == b"HTTP/1.1"
        assert found.get("/")[0] == 200


def test_s74_exporter_places_come_back_when_no_thread_can_be_started(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = serve(Limits(connections=4))
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "scrape":
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for _ in range(12):
            with pytest.raises((RemoteDisconnected, ConnectionError)):
                found.get()
        assert not found.server.connections._open
    assert [found.get()[0] for _ in range(5)] == [200] * 5
    assert "can't start new thread" in str(found.reported[0]) and "TasksMax" in str(found.reported[0])


def test_s74_exporter_without_descriptors_an_idle_connection_is_closed(serve: Serve) -> None:
    found = serve(Limits(connections=100))
    idle = [found.connect() for _ in range(4)]
    eventually("all are served", lambda: len(found.server.connections._open) == 4)
    waiting = found.lab.in_guest(socket.socket)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)  # descriptors below it are taken: with this limit there is none to be had
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
    try:
        waiting.connect(("127.0.0.1", found.server.server_port))
        waiting.settimeout(10)
        waiting.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        closed, _, _ = select.select(idle, [], [], 10)  # any: their threads started in any order
        assert [one.recv(1) for one in closed] == [b""]
        assert waiting.recv(12) == b"HTTP/1.1 200"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for one in (*idle, waiting):
            one.close()
    assert {getattr(one, "errno", None) for one in found.reported} == {errno.EMFILE}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "FOO"])
def test_other_methods_are_refused_with_those_that_there_are(serve: Serve, method: str) -> None:
    found = serve(Limits())
    status, _, headers = found.get(method=method)
    assert (status, headers["Allow"], headers["Connection"]) == (405, "GET, HEAD", "close")
    assert found.get()[:2] == (200, BODY)


def test_head_is_answered_without_making_a_scrape(serve: Serve) -> None:
    made: list[None] = []

    def answer() -> bytes:
        made.append(None)
        return BODY

    found = serve(Limits(), answer=answer)
    status, body, headers = found.get(method="HEAD")
    assert (status, body, made) == (200, b"", [])
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_a_body_is_not_taken_for_the_next_request(serve: Serve) -> None:
    found = serve(Limits())
    with found.connect() as client:
        inner = b"GET /nothing HTTP/1.1\r\n\r\n"
        client.sendall(b"GET / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(inner) + inner)
        said = b""
        try:
            while data := client.recv(4096):
                said += data
        except ConnectionResetError:
            pass
    assert said.count(b"HTTP/1.1 ") == 1 and b"HTTP/1.1 200" in said
