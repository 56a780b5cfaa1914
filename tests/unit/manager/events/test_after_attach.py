# SPDX-License-Identifier: GPL-2.0-only
"""What attach says of options that a running manager overrides."""

from dataclasses import replace

import pytest

from netvsc_bpf.datapath.options import AttachOptions
from netvsc_bpf.manager.events.after_attach import overruled
from netvsc_bpf.model.path import GuardMode, ReturnPolicy, RxMode
from tests.unit.view.shapes import ON_VF

PAIR = replace(ON_VF, settle_ms=20)


@pytest.mark.parametrize(
    ("options", "given", "said"),
    [
        (AttachOptions(settle_ms=500), {"settle_ms"}, ["--settle 20"]),
        (AttachOptions(settle_ms=20), {"settle_ms"}, []),
        (AttachOptions(settle_ms=500), (), []),
        (
            AttachOptions(guard=GuardMode.ALL, rx=RxMode.KERNEL),
            {"guard", "rx"},
            ["--guard off", "--rx redirect"],
        ),
        (AttachOptions(), {"guard", "rx"}, []),
        (AttachOptions(return_=ReturnPolicy.MANUAL), {"return_"}, ["--return auto"]),
        (AttachOptions(), {"return_"}, []),
    ],
)
def test_only_what_was_given_and_does_not_apply_is_named(
    options: AttachOptions, given: set[str], said: list[str]
) -> None:
    found = overruled(PAIR, options, given)
    assert [text.split("uses ")[1].split(" instead")[0] for text in found] == said
    assert all("[interface.eth0]" in text for text in found)
