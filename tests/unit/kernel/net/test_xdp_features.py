# SPDX-License-Identifier: GPL-2.0-only
"""Reading what a driver's XDP can do."""

import errno
import struct
from typing import Any

import pytest

from netvsc_bpf.kernel.net import xdp_features
from netvsc_bpf.kernel.net.rtnetlink import Message, attribute

FAMILY, BASIC, RX_SG = 37, 1, 32


class Kernel:
    """Answers as the family "netdev" does; an error is raised in place of an answer."""

    def __init__(self, dev: bytes | OSError, family: OSError | None = None) -> None:
        self.dev, self.family = dev, family

    def __call__(self, protocol: int) -> "Kernel":
        assert protocol == 16
        return self

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def ask(self, kind: int, body: bytes) -> Message:
        if kind == 0x10:
            if self.family is not None:
                raise self.family
            return Message(kind, bytes(4) + attribute(1, struct.pack("=H", FAMILY)))
        assert (kind, body) == (FAMILY, struct.pack("=BBH", 1, 1, 0) + attribute(1, struct.pack("=I", 7)))
        if isinstance(self.dev, OSError):
            raise self.dev
        return Message(kind, bytes(4) + attribute(1, struct.pack("=I", 7)) + self.dev)


def asked(monkeypatch: pytest.MonkeyPatch, kernel: Kernel) -> bool:
    monkeypatch.setattr(xdp_features, "Rtnetlink", kernel)
    return xdp_features.receives_fragments(7)


def announced(bits: int) -> bytes:
    return attribute(3, struct.pack("=Q", bits))


def test_s77_driver_announces_that_it_passes_fragments(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, Kernel(announced(BASIC | RX_SG)))
    assert not asked(monkeypatch, Kernel(announced(BASIC)))
    assert not asked(monkeypatch, Kernel(b"")), "no such attribute"


def test_s77_before_6_3_no_driver_announces_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = OSError(errno.ENOENT, "No such file or directory")
    assert not asked(monkeypatch, Kernel(announced(RX_SG), family=unknown))


def test_device_that_is_gone_announces_nothing_and_other_errors_are_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not asked(monkeypatch, Kernel(OSError(errno.ENODEV, "No such device")))
    with pytest.raises(OSError, match="buffer"):
        asked(monkeypatch, Kernel(OSError(errno.ENOBUFS, "No buffer space available")))
