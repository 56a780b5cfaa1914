# SPDX-License-Identifier: GPL-2.0-only
"""The server on the manager's socket (claim.py, protocol.py).

A slow reader blocks no other: events that it has not fetched stay in the shared buffer, and once they are
dropped there the reader gets the number of events that it missed.
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
from netvsc_bpf.model.probe import Probe
from netvsc_bpf.model.timestamp import timestamp

MOST_CLIENTS = 32
_PATIENCE_S = 2.0
"""How long a client may wait before its request: some only connect to see that the manager is alive."""
_LONGEST_S = 60.0
"""How long a client may take to read the buffered events. There is no limit for followers."""
_AT_ONCE = 64
"""Events that are written to the socket before waiting for it."""


async def _no_look() -> None:
    """Do nothing: for a server of events only."""


class EventServer:
    """Serves the events of one manager to root and to its own user."""

    def __init__(
        self,
        buffer: EventBuffer,
        held_back: Callable[[], Mapping[int, float]] = dict,
        look: Callable[[], Awaitable[None]] = _no_look,
        *,
        probes: Callable[[], Mapping[int, Probe]] = dict,
        forgive: Callable[[int], None] = lambda _: None,
        most: int = MOST_CLIENTS,
    ) -> None:
        """`held_back` returns for how many seconds the VFs of which pairs (ifindex) will not be used.

        `look` reconciles, and returns when that is done; `probes` returns what the probe found;
        `forgive` has the failures of the VF of a pair forgotten.
        """
        self._buffer, self._held_back, self._look, self._most = buffer, held_back, look, most
        self._probes, self._forgive = probes, forgive
        self._clients: set[asyncio.Task[None]] = set()

    async def run(self, listening: socket.socket) -> None:
        """Serve on a listening socket, which stays the caller's, until cancelled."""
        self._buffer.serve(asyncio.get_running_loop())
        try:
            # asyncio closes the socket that it serves on; the claim must stay open.
            ours = listening.dup()
            server = await asyncio.start_unix_server(self._connected, sock=ours, limit=LONGEST_REQUEST)
            try:
                # Not serve_forever(): when cancelled, it waits for all clients to leave, from Python 3.12 on.
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
            # The client disconnected in the middle of an answer.
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
        # Refuse untrusted users first: they must not be able to use up descriptors.
        if peer(writer.get_extra_info("socket")).uid not in (0, os.geteuid()):
            writer.write(control_line(Control.REFUSED, why="only root and the manager's own user are served"))
            return
        if len(self._clients) > self._most:
            writer.write(control_line(Control.REFUSED, why=f"{self._most} clients are connected already"))
            return
        try:
            async with asyncio.timeout(_PATIENCE_S):
                line = await reader.readline()
        except (TimeoutError, ValueError):  # no request in time, or one that is too long
            return
        if not line.endswith(b"\n"):
            return
        parsed = parse_request(line)
        if parsed is None:
            writer.write(control_line(Control.REFUSED, why="unknown request"))
            return
        request, number = parsed
        if request is Request.UNDAMP and number is not None:
            self._forgive(number)
            await self._look()
            writer.write(control_line(Control.READY))
        elif request is Request.WAITS:
            for ifindex, left_s in self._held_back().items():
                writer.write(control_line(Control.WAIT, ifindex=ifindex, left_s=round(left_s, 3)))
            writer.write(control_line(Control.READY))
        elif request is Request.PROBES:
            for ifindex, probe in self._probes().items():
                writer.write(_probe_line(ifindex, probe))
            writer.write(control_line(Control.READY))
        elif request is Request.LOOK:
            await self._look()
            writer.write(control_line(Control.READY))
        else:
            if request is Request.FOLLOW:
                limit.reschedule(None)
            sent = await self._send(writer, self._buffer.after(0, 0).after)
            writer.write(control_line(Control.READY))
            if request is Request.FOLLOW:
                await self._follow(reader, writer, sent)

    async def _send(self, writer: asyncio.StreamWriter, number: int) -> int:
        """Send the events after the first `number` ones; return the position after the last one sent."""
        while True:
            batch = self._buffer.after(number, _AT_ONCE)
            if batch.missed:
                writer.write(control_line(Control.MISSED, events=batch.missed))
            if not batch.events:
                return batch.after
            writer.writelines(event_line(event) for event in batch.events)
            number = batch.after
            await writer.drain()

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        """Send new events until the reader disconnects."""
        gone = asyncio.ensure_future(reader.read(1))  # a follower sends nothing more
        try:
            while True:
                number = await self._send(writer, number)
                event = asyncio.ensure_future(self._buffer.next_event())
                try:
                    await asyncio.wait({gone, event}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    event.cancel()
                if gone.done():
                    gone.result()
                    return
        finally:
            gone.cancel()


def _probe_line(ifindex: int, probe: Probe) -> bytes:
    last = None if probe.last_answer is None else timestamp(probe.last_answer)
    state = probe.state.value
    return control_line(Control.PROBE, ifindex=ifindex, targets=probe.targets, state=state, last_answer=last)
