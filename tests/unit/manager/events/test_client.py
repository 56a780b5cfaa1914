# SPDX-License-Identifier: GPL-2.0-only
"""Whom `events` believes, and what it makes of an answer."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from netvsc_bpf.kernel.process.peer_credentials import Peer
from netvsc_bpf.manager.events import client
from netvsc_bpf.manager.events.client import ask
from netvsc_bpf.manager.events.protocol import Request
from netvsc_bpf.model.errors import NetvscBpfError, Refused

NAME = f"\0netvsc-bpf-test-asking-{os.getpid()}"
PATIENCE_S = 30


@pytest.fixture
def holder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    """Somebody who holds the name, takes one line and answers with these bytes."""
    monkeypatch.setattr(client, "socket_name", lambda: NAME)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(NAME)
        listening.listen()
        listening.settimeout(PATIENCE_S)
        threads: list[threading.Thread] = []

        def answer(data: bytes) -> None:
            def serve() -> None:
                client, _ = listening.accept()
                with client, suppress(BrokenPipeError):  # it may want no answer
                    client.settimeout(PATIENCE_S)
                    client.recv(256)
                    client.sendall(data)

            threads.append(threading.Thread(target=serve, daemon=True))
            threads[-1].start()

        yield answer
        for thread in threads:
            thread.join()


def test_without_a_listener_there_is_no_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "socket_name", lambda: NAME)
    assert ask(Request.EVENTS) is None


def test_lines_then_the_end(holder: Callable[[bytes], None]) -> None:
    holder(b'{"event": "joined"}\n{"control": "ready"}\n')
    conversation = ask(Request.EVENTS)
    assert conversation is not None and conversation.pid == os.getpid()
    with conversation:
        found = []
        while (lines := conversation.lines(PATIENCE_S)) is not None:
            found += lines
    assert found == [{"event": "joined"}, {"control": "ready"}]


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n", b"[]\n", b"\xff\n"])
def test_what_no_manager_would_say_is_an_error(holder: Callable[[bytes], None], said: bytes) -> None:
    holder(said)
    conversation = ask(Request.EVENTS)
    assert conversation is not None
    with conversation, pytest.raises(NetvscBpfError, match="sent an invalid answer"):
        conversation.lines(PATIENCE_S)


def test_stranger_who_holds_the_name_is_not_believed(
    holder: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "peer", lambda _: Peer(4711, os.geteuid() + 1))
    holder(b'{"event": "joined"}\n')
    with pytest.raises(Refused, match="process 4711 of user"):
        ask(Request.EVENTS)
