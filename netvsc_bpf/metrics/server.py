# SPDX-License-Identifier: GPL-2.0-only
"""The HTTP server of the exporter: GET /metrics, perhaps by TLS, perhaps with a password."""

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from netvsc_bpf.metrics.auth import BasicAuth
from netvsc_bpf.metrics.config import Listen
from netvsc_bpf.metrics.text import CONTENT_TYPE
from netvsc_bpf.metrics.tls import Certificate

_IDLE_S = 75.0
"""How long a client may say nothing: scrapers keep their connection, and most come once a minute at least."""
_MOST_CONNECTIONS = 32
_INDEX = b'<html><title>netvsc-bpf</title><a href="/metrics">Metrics</a></html>\n'


class MetricsServer(ThreadingHTTPServer):
    """Serves until shutdown(). Raises OSError where it cannot listen.

    `answer` makes the body of a scrape; `failed` is told of errors that no client can be blamed for.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        listen: Listen,
        answer: Callable[[], bytes],
        auth: BasicAuth,
        certificate: Certificate | None,
        failed: Callable[[BaseException], None],
    ) -> None:
        self.answer, self.auth, self._failed = answer, auth, failed
        self._certificate = certificate
        self._places = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self.address_family, address = _resolve(listen)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind, and nothing else: http.server would ask a name server who we are."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def shutdown(self) -> None:
        """End serve_forever(), whoever waits with no end: a listener that is shut is ready to be read."""
        with suppress(OSError):  # it is closed: nobody serves any more
            self.socket.shutdown(socket.SHUT_RDWR)
        super().shutdown()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread, unless there are too many already."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread: a client that says nothing must not stop the others."""
        request.settimeout(_IDLE_S)
        if self._certificate is None:
            super().finish_request(request, client_address)
            return
        with self._certificate.context().wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell our own errors. A client that hangs up or speaks no TLS is the client's affair."""
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

    def do_GET(self) -> None:
        """Answer a scrape."""
        path = self.path.partition("?")[0]
        if not self.server.auth.admits(self.headers.get("Authorization")):
            self._send(HTTPStatus.UNAUTHORIZED, "text/plain", b"a name and a password, please\n")
        elif path == "/metrics":
            self._send(HTTPStatus.OK, CONTENT_TYPE, self.server.answer())
        elif path == "/":
            self._send(HTTPStatus.OK, "text/html", _INDEX)
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"there is only /metrics\n")

    do_HEAD = do_GET

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="netvsc-bpf"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a scrape is no news."""


def _resolve(listen: Listen) -> tuple[socket.AddressFamily, Any]:
    host = listen.host or "::"
    try:
        found = socket.getaddrinfo(host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise OSError(error.errno, error.strerror) from error
    family, _, _, _, address = found[0]
    return family, address
