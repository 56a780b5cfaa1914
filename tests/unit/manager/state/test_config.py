# SPDX-License-Identifier: GPL-2.0-only
"""Who wins: what `attach` chose for a pair, the configuration file, the command line of `run`."""

from pathlib import Path

import pytest

from netvsc_bpf.config.load import parse, without_file
from netvsc_bpf.manager.state.config import InterfaceConfig
from netvsc_bpf.model.attach_choice import AttachChoice
from netvsc_bpf.model.path import GuardMode, ReturnPolicy, RxMode

CHOICE = AttachChoice(vf="vf9", settle_ms=500, guard=GuardMode.OFF, return_=ReturnPolicy.MANUAL)


def of(text: str, **command_line: object) -> InterfaceConfig:
    overrides = {("attach", key): value for key, value in command_line.items()}
    config = parse(text, Path("x.toml"), overrides) if text else without_file(overrides)
    return config.of("eth0").with_choice(CHOICE)


@pytest.mark.parametrize(
    "text",
    ["", "[attach]\nsettle_ms = 20\nguard = 'all'\n", "[interface.eth1]\nsettle_ms = 20\nguard = 'all'\n"],
    ids=["none", "for all", "for another"],
)
def test_configuration_that_does_not_name_the_interface_leaves_the_choice(text: str) -> None:
    found = of(text)
    assert (found.settle_ms, found.options.settle_ms) == (500, 500)
    assert (found.options.guard, found.options.vf) == (GuardMode.OFF, "vf9")


def test_section_of_the_interface_wins_by_the_keys_that_it_sets() -> None:
    found = of("[interface.eth0]\nsettle_ms = 20\nrx = 'redirect'\n")
    assert (found.settle_ms, found.options.rx) == (20, RxMode.REDIRECT)
    assert (found.options.guard, found.options.vf) == (GuardMode.OFF, "vf9")


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", ReturnPolicy.MANUAL),
        ("[attach]\nreturn = 'auto'\n", ReturnPolicy.MANUAL),
        ("[interface.eth1]\nreturn = 'auto'\n", ReturnPolicy.MANUAL),
        ("[interface.eth0]\nreturn = 'auto'\n", ReturnPolicy.AUTO),
    ],
    ids=["none", "for all", "for another", "for this one"],
)
def test_s100_return_policy_of_attach_holds_unless_the_section_of_the_interface_sets_it(
    text: str, policy: ReturnPolicy
) -> None:
    assert of(text).options.return_ is policy


def test_auto_in_the_section_of_the_interface_chooses_anew() -> None:
    assert of("[interface.eth0]\nguard = 'auto'\n").options.guard is None


@pytest.mark.parametrize("text", ["", "[interface.eth0]\nsettle_ms = 20\n"])
def test_command_line_of_run_wins_over_everything(text: str) -> None:
    assert of(text, settle_ms=30).settle_ms == 30


def test_without_a_choice_nothing_changes() -> None:
    config = parse("[attach]\nsettle_ms = 20\n[interface.eth0]\nguard = 'auto'\n", Path("x.toml"))
    assert config.of("eth0").with_choice(AttachChoice()) == config.of("eth0")
