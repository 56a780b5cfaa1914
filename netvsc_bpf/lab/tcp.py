# SPDX-License-Identifier: GPL-2.0-only
"""A TCP stream between two namespaces with every byte checked; also measures throughput."""

import json
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

from netvsc_bpf.lab.stream_log import Counter, Ledger
from netvsc_bpf.lab.tcp_receive import TcpReceived, TcpReceiveJob
from netvsc_bpf.lab.tcp_send import TcpSendJob
from netvsc_bpf.lab.worker import Worker


@dataclass(frozen=True, slots=True)
class TcpPlan:
    """One connection, on which one side sends."""

    source: str
    """The namespace that connects and sends."""
    target: str
    """The namespace that listens."""
    address: str
    """The target's IPv4 or IPv6 address."""
    rate: int = 0
    """Bytes a second; 0: unlimited."""


@dataclass(frozen=True, slots=True)
class TcpResult:
    """The result of a connection."""

    sent: int
    """Bytes."""
    received: int
    """Bytes."""
    intact: bool
    """Every byte sent arrived, in order, and so did the end of the stream."""
    wrong_at: int | None
    """Offset of the first wrong chunk."""
    longest_stall_s: float
    """The longest time in which no byte arrived."""
    duration_s: float

    @property
    def bytes_per_s(self) -> float:
        """Goodput from the first byte to the last."""
        return self.received / self.duration_s if self.duration_s else 0.0


class TcpStream:
    """A connection that carries data from ``with`` to ``stop()``, or to the end of the block.

    Raises:
        NetvscBpfError: on entry, if it cannot connect; on stop, if the connection broke.
    """

    def __init__(self, plan: TcpPlan) -> None:
        self.plan = plan
        self._ledger = Ledger.create(0)
        self._workers: list[Worker] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    @property
    def received(self) -> int:
        """Bytes received until now."""
        return self._ledger.counters[Counter.RECEIVED]

    def stop(self) -> TcpResult:
        """Stop sending, wait for the rest to arrive, return the result. Call it once, within the block."""
        receiver, sender = self._workers
        sender.finish()
        got = TcpReceived(**json.loads(receiver.finish()))
        sent = self._ledger.counters[Counter.SENT]
        return TcpResult(
            sent=sent,
            received=got.size,
            intact=got.ended and got.wrong_at is None and got.size == sent,
            wrong_at=got.wrong_at,
            longest_stall_s=got.longest_stall_s,
            duration_s=got.duration_s,
        )

    def _start(self) -> None:
        plan, fd, counters = self.plan, self._ledger.fd, self._ledger.counters
        job = TcpReceiveJob(plan.target, fd, plan.address)
        receiver = Worker("netvsc_bpf.lab.tcp_receive", asdict(job), [fd])
        self._workers.append(receiver)
        receiver.wait_until(lambda: counters[Counter.PORT] != 0, "start a receiver")
        send = TcpSendJob(plan.source, fd, plan.address, counters[Counter.PORT], plan.rate)
        sender = Worker("netvsc_bpf.lab.tcp_send", asdict(send), [fd])
        self._workers.append(sender)
        sender.wait_until(lambda: counters[Counter.MET] == 1, f"connect {plan.source} to {plan.address}")

    def _close(self) -> None:
        for worker in self._workers:
            worker.kill()
        self._ledger.close()
