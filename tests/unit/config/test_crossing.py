# SPDX-License-Identifier: GPL-2.0-only
"""Pairs that cross by what the file says: refused with the line, whatever machine it is for."""

from pathlib import Path

import pytest

from netvsc_bpf.config.load import parse
from netvsc_bpf.model.errors import ConfigError

FILE = Path("/etc/netvsc-bpf.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[interface.eth0]\nvf = "eth0"\n', ":2: vf = eth0: a NIC cannot be its own VF"),
        (
            '[interface.eth0]\nvf = "eth1"\n[interface.eth1]\nvf = "eth0"\n',
            ":2: vf = eth1: eth1 is configured as a synthetic NIC",
        ),
        (
            '[manager]\ninterfaces = ["eth0", "vf0"]\n[interface.eth0]\nvf = "vf0"\n',
            ":4: vf = vf0: vf0 is configured as a synthetic NIC",
        ),
        (
            '[interface.eth0]\nvf = "vf0"\n[interface.eth1]\nsettle_ms = 20\nvf = "vf0"\n',
            ":5: vf = vf0: it is already the VF of eth0",
        ),
    ],
    ids=["own", "crossed", "listed", "twice"],
)
def test_s90_pairs_that_cross_are_refused_by_their_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    assert f"{caught.value.what}: {caught.value.why}" == f"{FILE}{said}"


def test_s90_command_line_that_names_the_vf_of_the_file_is_refused() -> None:
    text = '[interface.eth0]\nvf = "vf0"\n'
    with pytest.raises(ConfigError, match=":2: vf = vf0: vf0 is configured as a synthetic NIC"):
        parse(text, FILE, {("manager", "interfaces"): ("eth0", "vf0")})
