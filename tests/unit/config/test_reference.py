# SPDX-License-Identifier: GPL-2.0-only
"""What is written about the keys is what the code says: the page, the example, and the dataclasses."""

import re
from dataclasses import fields
from pathlib import Path

from netvsc_bpf.config import reference
from netvsc_bpf.config.load import load, parse
from netvsc_bpf.config.sections import INTERFACE, MANAGER, policies, sections
from netvsc_bpf.manager.state.config import ManagerConfig

REPO = Path(__file__).resolve().parents[3]
PAGE, EXAMPLE = REPO / "docs/configuration.md", REPO / "deploy/netvsc-bpf.toml"
ANEW = (
    "write it anew: .venv/bin/python -m netvsc_bpf.config.reference "
    "docs/configuration.md deploy/netvsc-bpf.toml"
)
NO_KEYS = {"settle_ms", "overridden", "per_interface"}
"""Fields of ManagerConfig that other keys fill."""


def test_the_page_is_what_the_dataclasses_say() -> None:
    assert PAGE.read_text() == reference.page(), ANEW


def test_the_example_is_what_the_dataclasses_say() -> None:
    assert EXAMPLE.read_text() == reference.example(), ANEW


def test_the_example_asks_for_the_defaults() -> None:
    assert load(EXAMPLE) == ManagerConfig()


def test_the_example_with_all_comments_taken_off_is_understood() -> None:
    keys = "|".join(name for section in sections().values() for name in section)
    text = re.sub(rf"^# (\[interface|(?:{keys}) = )", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)
    config = parse(text.replace('"..."', '"vf0"'), EXAMPLE)
    assert config.settle_ms == 100
    assert config.per_interface["eth0"].options.vf == "vf0"


def test_every_field_of_a_policy_is_a_key() -> None:
    """A field without a Setting cannot be configured: annotate it, or say here why it is none."""
    found = sections()
    parts = {field for field, _ in policies().values()}
    assert {one.name for one in fields(ManagerConfig)} - parts - NO_KEYS == set(found[MANAGER])
    for section, (_, kind) in policies().items():
        assert {one.name.removesuffix("_") for one in fields(kind)} <= set(found[section]) | set(
            found[INTERFACE]
        ), section
