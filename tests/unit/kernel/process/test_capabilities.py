# SPDX-License-Identifier: GPL-2.0-only
"""CapEff to names, and the error for missing capabilities."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netvsc_bpf.kernel.process.capabilities import (
    CAP_BPF,
    CAP_DAC_OVERRIDE,
    CAP_NET_ADMIN,
    CAP_PERFMON,
    CAP_SYS_ADMIN,
    effective,
    in_initial_user_namespace,
    missing,
    parse_effective,
    require,
)
from netvsc_bpf.model.errors import MissingCapability

# Captured: a root shell on 6.18 whose container runtime took CAP_SYS_RESOURCE away.
STATUS = """Name:\tcat
Uid:\t0\t0\t0\t0
CapInh:\t0000000000000000
CapPrm:\t000001fffeffffff
CapEff:\t000001fffeffffff
CapBnd:\t000001fffeffffff
CapAmb:\t0000000000000000
"""


def status_with(folder: Path, *held: int) -> Path:
    path = folder / "status"
    path.write_text(f"CapEff:\t{sum(1 << bit for bit in held):016x}\n")
    return path


def test_captured_status_lacks_only_sys_resource() -> None:
    assert parse_effective(STATUS) == frozenset(range(41)) - {24}


def test_status_without_the_line_means_no_capabilities() -> None:
    assert parse_effective("Name:\tcat\n") == frozenset()


@given(st.frozensets(st.integers(0, 63)))
def test_mask_is_read_bit_by_bit(bits: frozenset[int]) -> None:
    assert parse_effective(f"CapEff:\t{sum(1 << bit for bit in bits):016x}\n") == bits


def test_bits_are_those_of_linux_capability_h() -> None:
    assert [CAP_DAC_OVERRIDE, CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF] == [1, 12, 21, 38, 39]


def test_sys_admin_includes_only_the_capabilities_split_from_it() -> None:
    held = frozenset({int(CAP_SYS_ADMIN)})
    assert missing([CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN], held) == (CAP_NET_ADMIN,)


def test_s68_three_capabilities_are_enough(tmp_path: Path) -> None:
    status = status_with(tmp_path, CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON)
    require("load programs", CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, status=status)


def test_s67_missing_capabilities_are_named_in_one_line(tmp_path: Path) -> None:
    status = status_with(tmp_path, CAP_NET_ADMIN)
    with pytest.raises(MissingCapability) as caught:
        require("load programs", CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, status=status)
    assert str(caught.value).startswith("load programs: CAP_BPF, CAP_PERFMON are missing; ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4


def test_own_capabilities_can_be_read() -> None:
    assert effective() <= frozenset(range(64))


@pytest.mark.parametrize(("target", "initial"), [("user:[4026531837]", True), ("user:[4026532208]", False)])
def test_container_with_its_own_user_namespace_is_recognised(
    tmp_path: Path, target: str, initial: bool
) -> None:
    link = tmp_path / "user"
    link.symlink_to(target)
    assert in_initial_user_namespace(link) is initial


def test_kernel_without_user_namespaces_has_only_the_first(tmp_path: Path) -> None:
    assert in_initial_user_namespace(tmp_path / "user")
