# SPDX-License-Identifier: GPL-2.0-only
"""What drops.c is compiled with; a kernel that gives no reasons for drops is no kernel to refuse."""

import pytest

from netvsc_bpf.kernel.bpf.btf import Btf, Member
from netvsc_bpf.kernel.bpf.drop_offsets import NO_DROP_FACTS, drop_facts
from netvsc_bpf.model.errors import NoBtf

REASONS = {
    "SKB_DROP_REASON_NOT_SPECIFIED": 2,
    "SKB_DROP_REASON_CPU_BACKLOG": 71,
    "SKB_DROP_REASON_DEV_READY": 79,
    "SKB_CONSUMED": 1,
}
SKB = {"dev": Member(16, 8, ""), "tc_at_ingress": Member(129, 1, "__u8", 5)}


class FakeBtf:
    def __init__(self, reasons: dict[str, int] | None, skb: dict[str, Member]) -> None:
        self._reasons, self._skb = reasons, skb

    def enumerators(self, enum: str) -> dict[str, int]:
        if self._reasons is None:
            raise NoBtf("cannot read kernel structures", f"the kernel's BTF has no {enum}")
        return self._reasons

    def members(self, _: str) -> dict[str, Member]:
        return self._skb


def test_numbers_and_places_are_those_of_the_kernel() -> None:
    assert drop_facts(FakeBtf(REASONS, SKB)) == {  # type: ignore[arg-type]
        "DROP_NOT_SPECIFIED": 2,
        "DROP_CPU_BACKLOG": 71,
        "DROP_DEV_READY": 79,
        "SKB_DEV": 16,
        "SKB_AT_TC_INGRESS": 129,
        "SKB_AT_TC_INGRESS_MASK": 32,
    }


@pytest.mark.parametrize(
    ("reasons", "skb"),
    [
        (None, SKB),
        ({name: number for name, number in REASONS.items() if "BACKLOG" not in name}, SKB),
        (REASONS, {"dev": SKB["dev"]}),
        (REASONS, {"tc_at_ingress": SKB["tc_at_ingress"]}),
    ],
    ids=["no reasons", "one is missing", "no tc", "no device"],
)
def test_a_kernel_that_does_not_say_enough_is_not_refused(
    reasons: dict[str, int] | None, skb: dict[str, Member]
) -> None:
    assert drop_facts(FakeBtf(reasons, skb)) == NO_DROP_FACTS  # type: ignore[arg-type]


def test_this_kernel_says_enough() -> None:
    with Btf.of_kernel() as btf:
        facts = drop_facts(btf)
    assert facts.keys() == NO_DROP_FACTS.keys() and all(facts.values())
