# SPDX-License-Identifier: GPL-2.0-only
"""One HTTP request to a metadata service, without proxies, redirects, names or threads.

Standard clients run in threads, in which a server that sends a byte now and then keeps them for ever, and
which keep the process from ending. Here asyncio reads, http.client parses, and one timeout covers all of it.
"""

import asyncio
import http.client
import io
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from netvsc_bpf.manager.maintenance.text import MAX_BYTES
from netvsc_bpf.manager.state.maintenance_policy import Endpoint
from netvsc_bpf.model.errors import NoticesUnavailable

_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Request:
    """A request; with a body it is a POST."""

    path: str
    headers: Mapping[str, str]
    body: bytes | None = None

    def encoded(self, host: str) -> bytes:
        """Return the bytes to send (RFC 9112)."""
        headers = {"Host": host, "Connection": "close", "Accept-Encoding": "identity", **self.headers}
        if self.body is not None:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        lines = [f"{'GET' if self.body is None else 'POST'} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("ascii") + (self.body or b"")


async def answer(endpoint: Endpoint, request: Request, limit_s: float) -> bytes:
    """Return the body of the answer, whose status must be 200. Raises NoticesUnavailable.

    `limit_s` is for everything, from connecting to the last byte.
    """
    what = (
        "cannot read maintenance notices of" if request.body is None else "cannot acknowledge maintenance to"
    )
    what = f"{what} {endpoint}"
    try:
        async with asyncio.timeout(limit_s):
            raw = await _exchanged(endpoint, request.encoded(endpoint.host))
        if len(raw) > MAX_BYTES:
            raise NoticesUnavailable(what, f"the answer is larger than {MAX_BYTES >> 20} MB")
        status, body = _parsed(raw)
    except TimeoutError:
        raise NoticesUnavailable(what, f"no answer within {limit_s:g} s") from None
    except OSError as error:
        # asyncio's own text for it is "Connect call failed ('169.254.169.254', 80)".
        raise NoticesUnavailable(what, os.strerror(error.errno) if error.errno else str(error)) from None
    except (http.client.HTTPException, ValueError, OverflowError) as error:  # a length of 30 digits overflows
        raise NoticesUnavailable(what, f"the answer is not HTTP ({type(error).__name__})") from None
    if status != HTTPStatus.OK:
        raise NoticesUnavailable(what, f"it answered {status}")
    return body


async def _exchanged(endpoint: Endpoint, request: bytes) -> bytes:
    """Return what is sent until the end of the connection, or of the answer if it states its length."""
    reader, writer = await asyncio.open_connection(endpoint.address, endpoint.port)
    try:
        writer.write(request)
        await writer.drain()
        raw = bytearray()
        while len(raw) <= MAX_BYTES and not _is_complete(raw):
            piece = await reader.read(_PIECE)
            if not piece:
                break
            raw += piece
        return bytes(raw)
    finally:
        writer.transport.abort()  # close() would wait for a server that does not read


def _is_complete(raw: bytearray) -> bool:
    head, blank, body = raw.partition(b"\r\n\r\n")
    if not blank:
        return False
    headers = http.client.parse_headers(io.BytesIO(head.partition(b"\r\n")[2] + b"\r\n\r\n"))
    length = headers.get("Content-Length", "")
    stated = "Transfer-Encoding" not in headers and length.isascii() and length.isdecimal()
    return stated and len(body) >= int(length)


class _Received:
    """Received bytes in place of the socket that HTTPResponse reads from."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._raw)


def _parsed(raw: bytes) -> tuple[int, bytes]:
    """Return status and body. Raises HTTPException, among them IncompleteRead; ValueError, OverflowError."""
    response = http.client.HTTPResponse(cast(socket.socket, _Received(raw)))
    response.begin()
    return response.status, response.read()
