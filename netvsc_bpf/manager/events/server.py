# SPDX-License-Identifier: GPL-2.0-only
"""Answering those who ask on the socket that is the manager's claim (claim.py, protocol.py).

A reader that is slow holds up nobody: what it has not fetched lies in the memory that all share, and when
that moves on it is told how many it missed.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from netvsc_bpf.kernel.process.peer_credentials import peer
from netvsc_bpf.manager.events.buffer import EventBuffer
from netvsc_bpf.manager.events.protocol import (
    LONGEST_REQUEST,
    Control,
    Request,
    control_line,
    event_line,
    parse_request,
)

MOST_CLIENTS = 32
_PATIENCE_S = 2.0
"""How long somebody who connected may say nothing: a probe only wants to know that we live."""
_LONGEST_S = 60.0
"""How long somebody who wants what is kept may take to fetch it. Who follows may take for ever."""
_AT_ONCE = 64
"""Events that are handed to the socket before it is waited for."""


async def _no_look() -> None:
    """Look at nothing: for whoever serves events alone."""


class EventServer:
    """Serves the events of one manager to root and to its own user."""

    def __init__(
        self,
        recent: EventBuffer,
        held_back: Callable[[], Mapping[int, float]] = dict,
        look: Callable[[], Awaitable[None]] = _no_look,
        *,
        most: int = MOST_CLIENTS,
    ) -> None:
        """`left_alone` says for how many seconds the VFs of which pairs (ifindex) will not be used.

        `look` has the pairs looked at, and returns when that is done.
        """
        self._buffer, self._held_back, self._look, self._most = recent, held_back, look, most
        self._clients: set[asyncio.Task[None]] = set()

    async def run(self, listening: socket.socket) -> None:
        """Serve on a listening socket, which stays the caller's, until cancelled."""
        self._buffer.serve(asyncio.get_running_loop())
        try:
            # asyncio closes what it serves on; the claim must outlive that.
            ours = listening.dup()
            server = await asyncio.start_unix_server(self._connected, sock=ours, limit=LONGEST_REQUEST)
            try:
                # Not serve_forever(): cancelled, it waits for all clients to leave, from Python 3.12 on.
                await asyncio.get_running_loop().create_future()
            finally:
                server.close()
        finally:
            self._buffer.serve(None)
            for client in self._clients:
                client.cancel()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Whoever leaves in the middle of an answer has had enough.
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(_LONGEST_S) as limit:
                    await self._answer(reader, writer, limit)
                    writer.close()
                    await writer.wait_closed()
        finally:
            writer.transport.abort()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: asyncio.Timeout
    ) -> None:
        # Strangers first: they must not be able to hold so much as a descriptor of ours.
        if peer(writer.get_extra_info("socket")).uid not in (0, os.geteuid()):
            writer.write(control_line(Control.REFUSED, why="only root and the manager's own user are served"))
            return
        if len(self._clients) > self._most:
            writer.write(control_line(Control.REFUSED, why=f"{self._most} others are being served"))
            return
        try:
            line = await asyncio.wait_for(reader.readline(), _PATIENCE_S)
        except (TimeoutError, ValueError):  # silent, or talking without end
            return
        if not line.endswith(b"\n"):
            return
        request = parse_request(line)
        if request is None:
            writer.write(control_line(Control.REFUSED, why="there is no such request"))
        elif request is Request.WAITS:
            for ifindex, left_s in self._held_back().items():
                writer.write(control_line(Control.WAIT, ifindex=ifindex, left_s=round(left_s, 3)))
            writer.write(control_line(Control.READY))
        elif request is Request.LOOK:
            await self._look()
            writer.write(control_line(Control.READY))
        else:
            if request is Request.FOLLOW:
                limit.reschedule(None)
            number = await self._tell(writer, self._buffer.after(0, 0).after)
            writer.write(control_line(Control.READY))
            if request is Request.FOLLOW:
                await self._tell_on(reader, writer, number)

    async def _tell(self, writer: asyncio.StreamWriter, number: int) -> int:
        """Tell what there is behind the first `number` events; return where to go on."""
        while True:
            batch = self._buffer.after(number, _AT_ONCE)
            if batch.missed:
                writer.write(control_line(Control.MISSED, events=batch.missed))
            if not batch.events:
                return batch.after
            writer.writelines(event_line(event) for event in batch.events)
            number = batch.after
            await writer.drain()

    async def _tell_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        """Tell what comes, until the reader is gone."""
        gone = asyncio.ensure_future(reader.read(1))  # who follows has nothing more to say
        try:
            while True:
                number = await self._tell(writer, number)
                news = asyncio.ensure_future(self._buffer.next_event())
                try:
                    await asyncio.wait({gone, news}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    news.cancel()
                if gone.done():
                    gone.result()
                    return
        finally:
            gone.cancel()
