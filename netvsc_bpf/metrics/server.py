# SPDX-License-Identifier: GPL-2.0-only
"""The HTTP server of the exporter: GET /metrics, optionally with TLS and passwords."""

import errno
import io
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from netvsc_bpf.metrics.auth import BasicAuth
from netvsc_bpf.metrics.config import Listen
from netvsc_bpf.metrics.connections import Connection, Connections, State
from netvsc_bpf.metrics.request_reader import RequestReader
from netvsc_bpf.metrics.shared_answer import SharedAnswer
from netvsc_bpf.metrics.text import CONTENT_TYPE
from netvsc_bpf.metrics.tls import Certificate
from netvsc_bpf.model.errors import KernelError, NetvscBpfError

_INDEX = b'<html><title>netvsc-bpf</title><a href="/metrics">Metrics</a></html>\n'
_METHODS = ("GET", "HEAD")
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NO_ROOM_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for a client. Times are in seconds."""

    connections: int = 32
    idle_s: float = 75.0
    """Idle time between two requests: scrapers keep their connection, most scrape at least once a minute."""
    head_s: float = 10.0
    """The TLS handshake, and the head of a request from its first byte to its last."""
    send_s: float = 10.0
    """Reading the answer."""


class MetricsServer(ThreadingHTTPServer):
    """Serves until shutdown(). Raises OSError if it cannot listen.

    `answer` returns the body of a scrape; `failed` is called with errors that are not the client's fault.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        listen: Listen,
        answer: Callable[[], bytes],
        auth: BasicAuth,
        certificate: Certificate | None,
        failed: Callable[[BaseException], None],
        limits: Limits | None = None,
    ) -> None:
        self.answer, self.auth, self._failed = SharedAnswer(answer), auth, failed
        self._certificate = certificate
        self.limits = limits or Limits()
        self.connections = Connections(self.limits.connections)
        self.address_family, address = _resolve(listen)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind only: http.server would also look up the host name by DNS."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def shutdown(self) -> None:
        """End serve_forever(), which waits without timeout: a listener that is shut down becomes readable."""
        with suppress(OSError):  # already closed
            self.socket.shutdown(socket.SHUT_RDWR)
        super().shutdown()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; if file descriptors run out, close an idle one for the next attempt."""
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _NO_ROOM:
                self._failed(_cannot_answer(error, error.errno))
                self.connections.drop_oldest()
                time.sleep(_NO_ROOM_PAUSE_S)  # the listener stays readable: this would be a busy loop
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for the connection. Raises NetvscBpfError if none can be started."""
        connection = self.connections.enter(request)
        if connection is None:
            self.shutdown_request(request)
            return
        try:
            threading.Thread(
                target=self._serve, args=(connection, client_address), name="scrape", daemon=True
            ).start()
        except BaseException as error:
            self.connections.leave(connection)
            # RuntimeError: no thread because of TasksMax, RLIMIT_NPROC or lack of memory.
            raise _cannot_answer(error) from error

    def _serve(self, connection: Connection, client_address: Any) -> None:
        try:
            # Here and not in the accepting thread: a silent client must not block the others.
            self._shake_hands(connection)
            _Handler(connection, client_address, self)
        except Exception:
            self.handle_error(connection.socket, client_address)
        finally:
            self.connections.leave(connection)
            self.shutdown_request(connection.socket)

    def _shake_hands(self, connection: Connection) -> None:
        connection.socket.settimeout(self.limits.head_s)
        if self._certificate is None:
            return
        # Register the socket with `connections` before waiting for the client.
        encrypted = self._certificate.context().wrap_socket(
            connection.socket, server_side=True, do_handshake_on_connect=False
        )
        connection.socket = encrypted
        encrypted.do_handshake()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report the server's own errors; a client that disconnects or does not speak TLS is not one."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self._failed(error)


class _Handler(BaseHTTPRequestHandler):
    server: MetricsServer
    protocol_version = "HTTP/1.1"
    server_version = "netvsc-bpf"
    sys_version = ""
    # Head and body are two writes: with Nagle's algorithm the second one waits for the ACK of the first,
    # which a client on a kept connection delays by 40 ms (tcp(7), TCP_NODELAY).
    disable_nagle_algorithm = True

    def __init__(self, connection: Connection, client_address: Any, server: MetricsServer) -> None:
        self._connection = connection
        super().__init__(connection.socket, client_address, server)

    def setup(self) -> None:
        """See StreamRequestHandler; reads are subject to the server's limits."""
        super().setup()
        self.rfile.close()
        limits = self.server.limits
        self._reader = RequestReader(self.connection, limits.idle_s, limits.head_s)
        self.rfile = io.BufferedReader(self._reader)

    def handle_one_request(self) -> None:
        """See BaseHTTPRequestHandler."""
        self.server.connections.turn(self._connection, State.IDLE)
        self._reader.begin()
        super().handle_one_request()

    def parse_request(self) -> bool:
        """See BaseHTTPRequestHandler; other methods than GET and HEAD are refused."""
        if not super().parse_request():
            return False
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body is not read and would be taken for the next request
        if self.command in _METHODS:
            return True
        self.close_connection = True
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"only GET and HEAD\n")
        return False

    def do_GET(self) -> None:
        """Answer a scrape; HEAD is answered without one."""
        path = self.path.partition("?")[0]
        # A client that is not authenticated counts as idle, so that guessing clients keep no scraper out.
        if not self.server.auth.admits(self.headers.get("Authorization"), self._is_dropped):
            self._send(HTTPStatus.UNAUTHORIZED, "text/plain", b"user name and password required\n")
        elif path == "/metrics":
            self.server.connections.turn(self._connection, State.WORKING)
            body = self.server.answer() if self.command == "GET" else None
            self._send(HTTPStatus.OK, CONTENT_TYPE, body)
        elif path == "/":
            self._send(HTTPStatus.OK, "text/html", _INDEX)
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"not found, see /metrics\n")

    do_HEAD = do_GET

    def _is_dropped(self) -> bool:
        return self._connection.dropped

    def _send(self, status: HTTPStatus, kind: str, body: bytes | None) -> None:
        """Send an answer; `body` None (HEAD only) leaves its length out."""
        self.server.connections.turn(self._connection, State.SENDING)
        self.connection.settimeout(self.server.limits.send_s)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="netvsc-bpf"')
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", ", ".join(_METHODS))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if body is not None and self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing for a scrape."""


def _cannot_answer(error: BaseException, number: int | None = None) -> NetvscBpfError:
    what, remedy = "cannot answer a scrape", "see TasksMax, LimitNPROC and LimitNOFILE of the service"
    return KernelError(what, str(error), remedy, errno=number)


def _resolve(listen: Listen) -> tuple[socket.AddressFamily, Any]:
    host = listen.host or "::"
    try:
        found = socket.getaddrinfo(host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise OSError(error.errno, error.strerror) from error
    family, _, _, _, address = found[0]
    return family, address
