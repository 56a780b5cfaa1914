# SPDX-License-Identifier: GPL-2.0-only
"""What an attach that leaves options out keeps, and what it takes back."""

import ctypes

import pytest

from netvsc_bpf.datapath.attach_choices import still_withheld
from netvsc_bpf.datapath.options import AttachOptions, applied, not_default, updated
from netvsc_bpf.kernel.bpf import attach_notes, pinned_notes
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.model.attach_choice import CHOICES, AttachChoice
from netvsc_bpf.model.path import GuardMode, Reason, ReturnPolicy, RxMode, XdpPolicy

EVERYTHING = AttachChoice(
    "caf\udce9", False, 250, RxMode.KERNEL, GuardMode.OFF, XdpPolicy.REQUIRE, ReturnPolicy.MANUAL
)
HERE = NetnsPins(7)


def test_every_choice_is_an_option() -> None:
    assert set(CHOICES) <= set(AttachOptions.__dataclass_fields__)


def test_what_is_left_out_is_kept_and_what_is_given_is_replaced() -> None:
    before = AttachChoice(settle_ms=500, guard=GuardMode.OFF)
    after = updated(before, AttachOptions(settle_ms=20, guard=GuardMode.ALL), {"settle_ms"})
    assert after == AttachChoice(settle_ms=20, guard=GuardMode.OFF)
    assert updated(before, AttachOptions(), ()) == before


@pytest.mark.parametrize("name", ["vf", "rx", "guard"])
def test_auto_takes_a_choice_back(name: str) -> None:
    assert getattr(updated(EVERYTHING, AttachOptions(), {name}), name) is None


def test_default_that_is_given_counts_as_a_choice() -> None:
    assert updated(AttachChoice(), AttachOptions(), {"settle_ms", "xdp", "return_"}) == AttachChoice(
        settle_ms=100, xdp=XdpPolicy.WARN, return_=ReturnPolicy.AUTO
    )


def test_choice_overrides_options_except_those_that_are_named() -> None:
    options = AttachOptions(settle_ms=20, guard=GuardMode.ALL)
    assert applied(options, AttachChoice(settle_ms=500, guard=GuardMode.OFF), {"guard"}) == AttachOptions(
        settle_ms=500, guard=GuardMode.ALL
    )


def test_without_names_the_options_that_differ_from_their_defaults_are_given() -> None:
    assert not_default(AttachOptions(any_bus=True, settle_ms=100, guard=GuardMode.OFF)) == {
        "any_bus",
        "guard",
    }


def test_choice_is_shown_as_the_options_that_make_it() -> None:
    said = AttachChoice("vf 0", True, 500, guard=GuardMode.OFF).as_options()
    assert said == ["--vf 'vf 0'", "--any-bus", "--settle 500", "--guard off"]
    assert AttachChoice(any_bus=False).as_options() == ["--no-any-bus"]
    assert AttachChoice(return_=ReturnPolicy.AUTO).as_options() == ["--return auto"]


def test_s100_only_the_policy_auto_ends_a_wait_for_the_operator() -> None:
    auto, manual = AttachOptions(), AttachOptions(return_=ReturnPolicy.MANUAL)
    assert still_withheld(Reason.MANUAL, auto) is None
    assert still_withheld(Reason.MANUAL, manual) is Reason.MANUAL
    assert still_withheld(Reason.DRAINED, auto) is Reason.DRAINED


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What is pinned, by its path."""
    pinned: dict[str, bytes] = {}
    monkeypatch.setattr(pinned_notes, "write", lambda note, path, _: pinned.update({str(path): bytes(note)}))
    monkeypatch.setattr(attach_notes, "remove", lambda where, n: pinned.pop(str(where.attach_note(n)), None))

    def read(path: object, kind: type[ctypes.Structure]) -> ctypes.Structure | None:
        return kind.from_buffer_copy(pinned[str(path)]) if str(path) in pinned else None

    monkeypatch.setattr(pinned_notes, "read", read)
    return pinned


@pytest.mark.parametrize(
    "choice",
    [
        EVERYTHING,
        AttachChoice("v" * 127),
        AttachChoice(any_bus=True),
        AttachChoice(settle_ms=3_600_000),
        *(AttachChoice(guard=mode) for mode in GuardMode),
        *(AttachChoice(rx=mode) for mode in RxMode),
        *(AttachChoice(return_=policy) for policy in ReturnPolicy),
    ],
)
def test_note_is_read_as_it_was_written(pinned: dict[str, bytes], choice: AttachChoice) -> None:
    attach_notes.write(HERE, 2, choice)
    assert attach_notes.read(HERE, 2) == choice
    assert not attach_notes.read(HERE, 3)
    attach_notes.write(HERE, 2, AttachChoice())
    assert pinned == {}


def test_word_of_a_later_version_is_no_choice(pinned: dict[str, bytes]) -> None:
    attach_notes.write(HERE, 2, AttachChoice(settle_ms=70, guard=GuardMode.ALL))
    (path,) = pinned
    pinned[path] = pinned[path].replace(bytes([3]), bytes([200]))
    assert attach_notes.read(HERE, 2) == AttachChoice(settle_ms=70)
