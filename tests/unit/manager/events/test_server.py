# SPDX-License-Identifier: GPL-2.0-only
"""The manager's socket: who is answered, and what; no client blocks another."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from netvsc_bpf.kernel.process.peer_credentials import Peer
from netvsc_bpf.manager.events import server
from netvsc_bpf.manager.events.buffer import EventBuffer
from netvsc_bpf.manager.events.kinds import Event, Kind
from netvsc_bpf.manager.events.protocol import Request, parse_lines, parse_request
from netvsc_bpf.manager.events.server import EventServer
from netvsc_bpf.model.probe import Probe, ProbeState

NAME = f"\0netvsc-bpf-test-{os.getpid()}"
PATIENCE_S = 30


def reported(number: int) -> Event:
    return Event(Kind.FOLLOWED, "eth0", str(number))


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def line(self) -> dict[str, Any]:
        raw = await asyncio.wait_for(self.reader.readline(), PATIENCE_S)
        assert raw, "the connection ended"
        record: dict[str, Any] = json.loads(raw)
        return record

    async def lines(self) -> list[dict[str, Any]]:
        """All until the end of the connection."""
        found = []
        # Refused before it was read, what we said resets the connection: behind the answer.
        with suppress(ConnectionResetError):
            while raw := await asyncio.wait_for(self.reader.readline(), PATIENCE_S):
                found.append(json.loads(raw))
        return found


@asynccontextmanager
async def served(buffer: EventBuffer, **options: Any) -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """A server on a claim, and how to connect to it; the claim outlives the server."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as claim:
        claim.bind(NAME)
        claim.listen()
        server = asyncio.create_task(EventServer(buffer, **options).run(claim))
        clients: list[Client] = []

        async def connect(request: bytes = b"") -> Client:
            reader, writer = await asyncio.open_unix_connection(NAME)
            writer.write(request)
            clients.append(Client(reader, writer))
            return clients[-1]

        try:
            yield connect
        finally:
            server.cancel()
            await asyncio.wait([server])
            for client in clients:
                client.writer.transport.abort()
            assert claim.fileno() >= 0 and claim.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1


def texts(lines: list[dict[str, Any]]) -> list[str]:
    return [line.get("text", line.get("control", "")) for line in lines]


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (b"events\n", Request.EVENTS),
        (b"  events   follow \r\n", Request.FOLLOW),
        (b"waits\n", Request.WAITS),
        (b"look\n", Request.LOOK),
        (b"probes\n", Request.PROBES),
        (b"\n", None),
        (b"events please\n", None),
        (b"\xff\n", None),
    ],
)
def test_requests(line: bytes, request_: Request | None) -> None:
    assert parse_request(line) == (None if request_ is None else (request_, None))


@pytest.mark.parametrize(
    ("line", "number"),
    [(b"undamp 7\n", 7), (b"undamp\n", None), (b"undamp x\n", None), (b"undamp 1 2\n", None)],
)
def test_undamp_takes_a_number(line: bytes, number: int | None) -> None:
    assert parse_request(line) == (None if number is None else (Request.UNDAMP, number))


def test_probes_and_undamp_are_answered() -> None:
    async def scene() -> None:
        forgiven: list[int] = []
        probe = Probe(("10.0.0.1",), ProbeState.REACHABLE, datetime(2026, 11, 30, 1, 2, 3, tzinfo=UTC))
        options = {
            "probes": lambda: {2: probe, 3: Probe((), ProbeState.NO_TARGETS)},
            "forgive": forgiven.append,
        }
        async with served(EventBuffer(4), **options) as connect:
            one, other, ready = await (await connect(b"probes\n")).lines()
            assert one == {
                "control": "probe",
                "ifindex": 2,
                "targets": ["10.0.0.1"],
                "state": "reachable",
                "last_answer": "2026-11-30T01:02:03.000000Z",
            }
            assert (other["targets"], other["last_answer"]) == ([], None)
            assert ready == {"control": "ready"}
            assert await (await connect(b"undamp 7\n")).lines() == [{"control": "ready"}]
            assert forgiven == [7]

    asyncio.run(scene())


def test_half_a_line_waits_for_the_rest() -> None:
    records, rest = parse_lines(b'{"a": 1}\n{"b"')
    assert records == [{"a": 1}] and rest == b'{"b"'
    with pytest.raises(ValueError):
        parse_lines(b"[]\n")
    with pytest.raises(ValueError):
        parse_lines(b"HTTP/1.1 400\n")


def test_s98_look_is_answered_when_it_is_done_and_blocks_no_other() -> None:
    async def scene() -> None:
        asked, may_end = asyncio.Event(), asyncio.Event()

        async def look() -> None:
            asked.set()
            await may_end.wait()

        async with served(EventBuffer(), look=look) as connect:
            waiting = await connect(b"look\n")
            await asyncio.wait_for(asked.wait(), PATIENCE_S)
            answer = asyncio.ensure_future(waiting.lines())
            assert texts(await (await connect(b"events\n")).lines()) == ["ready"]
            assert not answer.done(), "it has not looked yet"
            may_end.set()
            assert texts(await answer) == ["ready"]

    asyncio.run(scene())


def test_buffered_events_are_sent_in_order_and_the_connection_ends() -> None:
    async def scene() -> None:
        buffer = EventBuffer(100)
        for number in range(150):
            buffer(reported(number))
        async with served(buffer) as connect:
            lines = await (await connect(b"events\n")).lines()
        assert texts(lines) == [*map(str, range(50, 150)), "ready"]

    asyncio.run(scene())


def test_how_long_vfs_are_held_back_is_answered_as_of_now() -> None:
    left = {2: 1234.56789, 7: 0.5}

    async def scene() -> None:
        async with served(EventBuffer(), held_back=lambda: dict(left)) as connect:
            first = await (await connect(b"waits\n")).lines()
            left.clear()
            second = await (await connect(b"waits\n")).lines()
        waits = [{"control": "wait", "ifindex": 2, "left_s": 1234.568}]
        waits.append({"control": "wait", "ifindex": 7, "left_s": 0.5})
        assert first == [*waits, {"control": "ready"}]
        assert second == [{"control": "ready"}]

    asyncio.run(scene())


def test_follower_gets_events_of_any_thread() -> None:
    async def scene() -> None:
        buffer = EventBuffer()
        buffer(reported(0))
        async with served(buffer) as connect:
            client = await connect(b"events follow\n")
            assert texts([await client.line(), await client.line()]) == ["0", "ready"]
            for number in range(1, 200):
                await asyncio.to_thread(buffer, reported(number))
            assert texts([await client.line() for _ in range(199)]) == [*map(str, range(1, 200))]

    asyncio.run(scene())


def test_follower_that_does_not_read_blocks_no_other_and_learns_what_it_missed() -> None:
    async def scene() -> None:
        buffer = EventBuffer(50)
        async with served(buffer) as connect:
            slow, quick = await connect(b"events follow\n"), await connect(b"events follow\n")
            assert await slow.line() == await quick.line() == {"control": "ready"}
            slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
            seen = missed = 0
            total = 5000
            for number in range(total):
                buffer(Event(Kind.FOLLOWED, "eth0", f"{number} {'x' * 500}"))
                if number % 20 == 0:
                    while seen <= number:
                        assert (await quick.line())["text"].startswith(f"{seen} ")
                        seen += 1
            slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
            got = 0
            while got + missed < total:
                line = await slow.line()
                if "control" in line:
                    assert line["control"] == "missed"
                    missed += line["events"]
                else:
                    assert line["text"].startswith(f"{got + missed} ")
                    got += 1
            assert missed > 0 and got > 0

    asyncio.run(scene())


def test_who_says_nothing_or_leaves_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_PATIENCE_S", 0.05)

    async def scene() -> None:
        async with served(EventBuffer()) as connect:
            for said in (b"", b"eve", b"x" * 10000):
                assert await (await connect(said)).lines() == []
            probe = await connect()
            probe.writer.close()
            half = await connect(b"events")
            half.writer.write_eof()
            assert await half.lines() == []
            assert texts(await (await connect(b"events\n")).lines()) == ["ready"], "it still serves"

    asyncio.run(scene())


def test_unknown_request_is_refused() -> None:
    async def scene() -> None:
        async with served(EventBuffer()) as connect:
            (line,) = await (await connect(b"reboot\n")).lines()
            assert line["control"] == "refused" and "unknown request" in line["why"]

    asyncio.run(scene())


def test_strangers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "peer", lambda _: Peer(1, os.geteuid() + 1))

    async def scene() -> None:
        buffer = EventBuffer()
        buffer(reported(0))
        async with served(buffer) as connect:
            (line,) = await (await connect(b"events\n")).lines()
            assert line["control"] == "refused" and "only root" in line["why"]

    asyncio.run(scene())


def test_so_many_are_served_and_when_one_leaves_another() -> None:
    async def scene() -> None:
        async with served(EventBuffer(), most=2) as connect:
            first, second = await connect(b"events follow\n"), await connect(b"events follow\n")
            assert await first.line() == await second.line() == {"control": "ready"}
            (line,) = await (await connect(b"events\n")).lines()
            assert line["control"] == "refused" and "2 clients" in line["why"]
            first.writer.close()
            while True:
                if texts(await (await connect(b"events\n")).lines()) == ["ready"]:
                    return

    asyncio.run(scene())


def test_events_after_the_loop_has_ended_are_harmless() -> None:
    buffer = EventBuffer()

    async def scene() -> None:
        async with served(buffer):
            await asyncio.sleep(0)

    asyncio.run(scene())
    buffer(reported(0))
    assert len(buffer.after(0, 10).events) == 1
