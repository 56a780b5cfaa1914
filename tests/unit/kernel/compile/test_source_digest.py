# SPDX-License-Identifier: GPL-2.0-only
"""The number of a build: another one for whatever the compiler is given, and never the unknown one."""

from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.kernel.bpf.offsets import no_offsets
from netvsc_bpf.kernel.compile import bundle
from netvsc_bpf.kernel.compile.source_digest import build_number
from netvsc_bpf.model.path import Liveness


def test_build_is_another_for_each_part_that_changes() -> None:
    text, replacement_headers, offsets = "int home;", "#define X", {"A": 1, "B": 2}
    builds = {
        build_number(text, replacement_headers, offsets),
        build_number(text + "\n", replacement_headers, offsets),
        build_number(text, replacement_headers + "\n", offsets),
        build_number(text, replacement_headers, {"A": 2, "B": 1}),
    }
    assert len(builds) == 4


def test_build_does_not_depend_on_the_order_of_the_offsets() -> None:
    assert build_number("", "", {"A": 1, "B": 2}) == build_number("", "", {"B": 2, "A": 1})


@given(st.text())
def test_build_fits_the_layout_and_is_never_unknown(text: str) -> None:
    assert 0 < build_number(text, "", {}) < 1 << 32


def test_stand_ins_are_part_of_the_build() -> None:
    folder = bundle.sources_dir()
    replacement_headers = bundle.replacement_headers(folder)
    assert "CONFIG_BPF_SYSCALL" in replacement_headers
    text = bundle.bundle(folder, bundle.sources_of(Liveness.FENTRY))
    assert build_number(text, replacement_headers, no_offsets()) != build_number(text, "", no_offsets())
