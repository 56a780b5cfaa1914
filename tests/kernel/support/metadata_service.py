# SPDX-License-Identifier: GPL-2.0-only
"""Azure's metadata service, as far as it concerns Scheduled Events, as Microsoft documents it.

It insists on api-version and on the header Metadata, counts DocumentIncarnation, starts an event when it was
acknowledged or its NotBefore has passed, and reports no end: an event that is finished is gone. It fails, is
slow or answers nonsense as a test demands.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

EVENT_VERSIONS = frozenset({"2017-11-01", "2019-01-01", "2019-04-01", "2019-08-01", "2020-07-01"})
_EVENTS, _NAME = "/metadata/scheduledevents", "/metadata/instance/compute/name"


@dataclass(frozen=True)
class Scheduled:
    """One event; `not_before` is Unix time."""

    id: str
    kind: str
    not_before: float
    resources: tuple[str, ...]
    duration_s: int = 9
    started: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "EventId": self.id,
            "EventStatus": "Started" if self.started else "Scheduled",
            "EventType": self.kind,
            "ResourceType": "VirtualMachine",
            "Resources": list(self.resources),
            "NotBefore": "" if self.started else formatdate(self.not_before, usegmt=True),
            "Description": "Host server is undergoing maintenance.",
            "EventSource": "Platform",
            "DurationInSeconds": self.duration_s,
        }


@dataclass
class MetadataService:
    """The state of the service, and how it misbehaves."""

    name: str = "vm-1"
    status: int | None = None
    """Answer everything with this status."""
    raw: bytes | None = None
    """Answer requests for events with this body."""
    wire: bytes | None = None
    """Send these bytes, whatever they are, and end the connection."""
    trickle: bool = False
    """Send a byte of the answer now and then, for ever."""
    delay_s: float = 0.0
    """The time that the next answer takes: the first request enables the service."""
    requests: list[str] = field(default_factory=list)
    """Method and path of each request that was valid."""
    refused: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    incarnation: int = 1
    _events: dict[str, Scheduled] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    closing: threading.Event = field(default_factory=threading.Event)

    def schedule(
        self, event: str, in_s: float, kind: str = "Freeze", *others: str, mine: bool = True
    ) -> None:
        """Announce an event that may start in so many seconds, for this VM unless not `mine`."""
        resources = (*([self.name] if mine else []), *others)
        self._put(Scheduled(event, kind, time.time() + in_s, resources))

    def start(self, event: str) -> None:
        with self._lock:
            self._put(replace(self._events[event], started=True))

    def finish(self, event: str) -> None:
        with self._lock:
            del self._events[event]
            self.incarnation += 1

    def document(self) -> bytes:
        with self._lock:
            for one in list(self._events.values()):
                if not one.started and one.not_before <= time.time():
                    self.start(one.id)
            events = [one.as_json() for one in self._events.values()]
            return json.dumps({"DocumentIncarnation": self.incarnation, "Events": events}).encode()

    def acknowledge(self, body: bytes) -> bool:
        """Start the events that a request names; return whether it is well-formed."""
        try:
            ids = [one["EventId"] for one in json.loads(body)["StartRequests"]]
        except (ValueError, KeyError, TypeError):
            return False
        with self._lock:
            if not set(ids) <= self._events.keys():
                return False
            for one in ids:
                self.acknowledged.append(one)
                self.start(one)
        return True

    def _put(self, event: Scheduled) -> None:
        with self._lock:
            self._events[event.id] = event
            self.incarnation += 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: MetadataService


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def _answer(self, body: bytes | None) -> None:
        service, url = self.server.service, urlsplit(self.path)
        delay_s, service.delay_s = service.delay_s, 0.0
        if service.closing.wait(delay_s):
            return
        if service.wire is not None:
            self.wfile.write(service.wire)
            self.close_connection = True
            return
        version = parse_qs(url.query).get("api-version", [""])[0]
        if service.status is not None:
            self._send(service.status, b"{}")
        elif self.headers.get("Metadata", "").lower() != "true" or "X-Forwarded-For" in self.headers:
            self._refuse(400, "no header Metadata")
        elif url.path == _EVENTS and version in EVENT_VERSIONS:
            service.requests.append(f"{self.command} {url.path}")
            self._events(body)
        elif url.path == _NAME and version and body is None:
            service.requests.append(f"{self.command} {url.path}")
            self._send(200, service.name.encode(), "text/plain; charset=utf-8")
        else:
            self._refuse(400 if url.path in (_EVENTS, _NAME) else 404, self.path)

    def _events(self, body: bytes | None) -> None:
        service = self.server.service
        if body is None:
            self._send(200, service.document() if service.raw is None else service.raw)
        elif service.acknowledge(body):
            self._send(200, b"")
        else:
            self._refuse(400, f"StartRequests {body!r}")

    def _refuse(self, status: int, why: str) -> None:
        self.server.service.refused.append(why)
        self._send(status, json.dumps({"error": why}).encode())

    def _send(self, status: int, body: bytes, kind: str = "application/json; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status in (301, 302, 307):
            self.send_header("Location", f"http://{self.headers['Host']}{_EVENTS}?api-version=2020-07-01")
        self.end_headers()
        if self.server.service.trickle:
            while not self.server.service.closing.wait(0.05):
                self.wfile.write(b" ")
                self.wfile.flush()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


@contextmanager
def served(service: MetadataService, listening: socket.socket) -> Iterator[MetadataService]:
    """Serve on this socket, which listens, during the block."""
    server = _Server(listening.getsockname()[:2], _Handler, bind_and_activate=False)
    server.socket.close()
    server.socket, server.service = listening, service
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def listening_on(address: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """Return a socket that listens, in the network namespace of this thread."""
    return socket.create_server((address, port))
