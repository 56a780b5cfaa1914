# SPDX-License-Identifier: GPL-2.0-only
"""A dump that changes disturbed (NLM_F_DUMP_INTR) may lack something: it is asked for again."""

import struct
from collections.abc import Sequence

import pytest

from netvsc_bpf.kernel.net import rtnetlink
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink

HEADER = struct.Struct("=IHHII")
GETLINK, NEWLINK, DONE = 18, 16, 3
DISTURBED = 0x10


class Kernel:
    """A netlink socket; each dump in turn has the flags that a test names, and one message: its number."""

    def __init__(self, dumps: Sequence[int]) -> None:
        self.asked = 0
        self._dumps = dumps
        self._sequence = 0

    def setsockopt(self, *_: object) -> None: ...

    def close(self) -> None: ...

    def sendto(self, request: bytes, _: object) -> None:
        self._sequence = HEADER.unpack_from(request)[3]
        self.asked += 1

    def recv(self, _: int) -> bytes:
        flags = self._dumps[self.asked - 1]
        return self._message(NEWLINK, flags, self.asked) + self._message(DONE, flags, 0)

    def _message(self, kind: int, flags: int, number: int) -> bytes:
        return HEADER.pack(HEADER.size + 4, kind, flags | 2, self._sequence, 0) + struct.pack("=i", number)


def dump(monkeypatch: pytest.MonkeyPatch, dumps: Sequence[int], *, whole: bool = False) -> list[int]:
    kernel = Kernel(dumps)
    monkeypatch.setattr(rtnetlink.socket, "socket", lambda *_: kernel)
    with Rtnetlink() as rtnl:
        return [struct.unpack("=i", message.body)[0] for message in rtnl.dump(GETLINK, b"", whole=whole)]


@pytest.mark.parametrize("whole", [False, True])
def test_s95_disturbed_dump_is_asked_for_again(monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    assert dump(monkeypatch, [DISTURBED, 0], whole=whole) == [2]
    assert dump(monkeypatch, [0], whole=whole) == [1]


def test_s95_complete_dump_is_never_an_interrupted_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InterruptedError):
        dump(monkeypatch, [DISTURBED] * 100, whole=True)


def test_s95_dump_that_is_always_disturbed_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(dump(monkeypatch, [DISTURBED] * 100)) == 1
