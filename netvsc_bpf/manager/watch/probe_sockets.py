# SPDX-License-Identifier: GPL-2.0-only
"""The sockets of the probe: one for questions, two for answers, one for what questions are made of."""

import select
from collections.abc import Iterable, Iterator

from netvsc_bpf.kernel.net.neighbour_answers import AnswerReceiver
from netvsc_bpf.kernel.net.packet_socket import RawSender
from netvsc_bpf.kernel.net.source_watch import SourceChanges, SourceWatch
from netvsc_bpf.planner.probe_policy import Target

Answers = Iterator[tuple[Target, bytes | None]]


class ProbeSockets:
    """Opened when they are first needed. Raises OSError.

    Sockets keep their network namespace alive. Those of the manager's own are `kept` between looks; in
    another one they are open for the time of a look, which waits for its answers.
    """

    def __init__(self, *, kept: bool) -> None:
        self.kept = kept
        self._open: tuple[RawSender, AnswerReceiver] | None = None
        self._watch: SourceWatch | None = None
        self._early: list[tuple[Target, bytes | None]] = []
        """Answers that came before the sockets were closed."""
        self._asked = 0

    def changes(self) -> SourceChanges | None:
        """Return what changed since the last call; None: unknown."""
        if not self.kept:
            return None
        if self._watch is None:
            self._watch = SourceWatch()
        return self._watch.take()

    def ask(self, questions: Iterable[tuple[int, bytes]]) -> int:
        """Send frames, each from an interface (ifindex); return how many were sent."""
        every = list(questions)
        if not every:
            return 0
        sender, _ = self._opened()
        sent = sum(sender.send(ifindex, frame) for ifindex, frame in every)
        self._asked += sent
        return sent

    def answers(self) -> Answers:
        """Yield the answers since the last call, with the MAC if the neighbour said it."""
        early, self._early = self._early, []
        yield from early
        if self._open is not None:
            yield from self._received(self._open[1])

    def wait(self, longest_s: float) -> None:
        """Wait until as many have answered as were asked, then close the sockets."""
        if self._open is not None:
            receiver, poll = self._open[1], select.poll()
            for number in receiver.filenos():
                poll.register(number, select.POLLIN)
            while len(self._early) < self._asked and poll.poll(longest_s * 1000):
                self._early += self._received(receiver)
        self._asked = 0
        self.close()

    def close(self) -> None:
        """Close the sockets."""
        opened, self._open = self._open, None
        for one in opened or ():
            one.close()
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()

    def _opened(self) -> tuple[RawSender, AnswerReceiver]:
        if self._open is None:
            receiver = AnswerReceiver()
            try:
                self._open = RawSender(), receiver
            except BaseException:
                receiver.close()
                raise
        return self._open

    @staticmethod
    def _received(receiver: AnswerReceiver) -> Answers:
        for ifindex, answer in receiver.answers():
            yield Target(ifindex, answer.address), answer.mac
