# SPDX-License-Identifier: GPL-2.0-only
"""A numbered UDP stream between two namespaces: which packets were lost, duplicated or late, and when."""

import time
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

from netvsc_bpf.lab.recording import Loss, Recording
from netvsc_bpf.lab.stream_log import Counter, Ledger
from netvsc_bpf.lab.udp_receive import ReceiveJob
from netvsc_bpf.lab.udp_send import SendJob
from netvsc_bpf.lab.worker import Worker

_QUIET_S = 0.3


@dataclass(frozen=True, slots=True)
class UdpPlan:
    """One direction of one stream."""

    source: str
    """The namespace that sends."""
    target: str
    """The namespace that receives."""
    address: str
    """The target's IPv4 or IPv6 address."""
    rate: int = 5_000
    """Packets a second; a sender that falls behind sends fewer rather than in bursts."""
    size: int = 64
    """Bytes of payload, 16 at least."""
    limit_s: float = 120.0
    """Seconds after which the ledger is full and the stream ends."""
    buffer: int = 128 << 20
    """Bytes of the receiver's socket buffer."""


@dataclass(frozen=True, slots=True)
class UdpResult:
    """The result of a stream."""

    total: Loss
    refused: int
    """How many of the sent packets the sender's kernel refused."""
    receiver_drops: int
    """How many of the lost packets were dropped by the receiver's full buffer: not lost by the network."""
    foreign: int
    """Datagrams from other senders that reached the port."""
    recording: Recording

    @property
    def sent(self) -> int:
        """Numbers used."""
        return self.total.sent

    @property
    def received(self) -> int:
        """Distinct packets that arrived."""
        return self.total.received

    @property
    def lost(self) -> int:
        """Packets that the receiver never read, including its own drops."""
        return self.total.lost

    @property
    def duplicates(self) -> int:
        """Copies beyond the first."""
        return self.total.duplicates

    @property
    def longest_gap_s(self) -> float:
        """The longest time between two arrivals."""
        return self.total.longest_gap_s

    def window(self, begin_ns: int, end_ns: int) -> Loss:
        """Sum up the packets sent in a stretch of time.monotonic_ns()."""
        return self.recording.window(begin_ns, end_ns)


class UdpStream:
    """A stream that runs from ``with`` to ``stop()``, or to the end of the block.

    Raises:
        NetvscBpfError: on entry, if no packet arrives; on stop, if a process failed.
    """

    def __init__(self, plan: UdpPlan) -> None:
        self.plan = plan
        self._ledger = Ledger.create(max(1, int(plan.rate * plan.limit_s)))
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
    def sent(self) -> int:
        """Packets sent until now."""
        return self._ledger.counters[Counter.SENT]

    @property
    def received(self) -> int:
        """Distinct packets received until now."""
        return self._ledger.counters[Counter.RECEIVED]

    @property
    def receiver_pid(self) -> int:
        """The receiving process."""
        return self._workers[0].pid

    def recording(self) -> Recording:
        """Copy what is recorded until now; the latest packets may be under way."""
        return self._ledger.recording()

    def window(self, begin_ns: int, end_ns: int) -> Loss:
        """Sum up the packets sent in a stretch of time.monotonic_ns(), while the stream goes on."""
        return self.recording().window(begin_ns, end_ns)

    def stop(self) -> UdpResult:
        """Stop sending, wait for packets under way, and return the result. Call it within the block, once."""
        receiver, sender = self._workers
        sender.finish()
        self._wait_for_stragglers()
        receiver.finish()
        recording = self._ledger.recording()
        return UdpResult(
            total=recording.all(),
            refused=self._ledger.counters[Counter.REFUSED],
            receiver_drops=self._ledger.counters[Counter.DROPS],
            foreign=self._ledger.counters[Counter.FOREIGN],
            recording=recording,
        )

    def _start(self) -> None:
        plan, fd, counters = self.plan, self._ledger.fd, self._ledger.counters
        receive = ReceiveJob(plan.target, fd, plan.address, plan.buffer)
        receiver = Worker("netvsc_bpf.lab.udp_receive", asdict(receive), [fd])
        self._workers.append(receiver)
        receiver.wait_until(lambda: counters[Counter.PORT] != 0, "start a receiver")
        send = SendJob(plan.source, fd, plan.address, counters[Counter.PORT], plan.rate, plan.size)
        sender = Worker("netvsc_bpf.lab.udp_send", asdict(send), [fd])
        self._workers.append(sender)
        sender.wait_until(lambda: counters[Counter.MET] == 1, f"reach {plan.address} from {plan.source}")

    def _wait_for_stragglers(self) -> None:
        last, since = self.received, time.monotonic()
        while self.received < self.sent and time.monotonic() - since < _QUIET_S:
            time.sleep(0.01)
            if self.received != last:
                last, since = self.received, time.monotonic()

    def _close(self) -> None:
        for worker in self._workers:
            worker.kill()
        self._ledger.close()
