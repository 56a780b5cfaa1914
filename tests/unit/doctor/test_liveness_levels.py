# SPDX-License-Identifier: GPL-2.0-only
"""Which hook and which rung of the ladder, and what is said of the better ones."""

from netvsc_bpf.doctor.finding import Level
from netvsc_bpf.doctor.hook import check_hook
from netvsc_bpf.doctor.liveness import check_liveness


def yes() -> str | None:
    return None


def test_tcx_is_named_where_it_works() -> None:
    finding = check_hook(yes, yes)
    assert (finding.level, finding.what) == (Level.OK, "tcx")


def test_clsact_is_enough_and_says_why_not_tcx() -> None:
    finding = check_hook(yes, lambda: "this kernel has no tcx")
    assert (finding.level, finding.what) == (Level.OK, "clsact: this kernel has no tcx")


def test_s67_kernel_that_loads_no_tc_program_has_no_hook() -> None:
    finding = check_hook(lambda: "a tc program cannot be loaded", yes)
    assert finding.level is Level.PROBLEM


def test_fentry_is_the_best_level() -> None:
    finding = check_liveness(yes, yes)
    assert (finding.level, finding.what) == (Level.OK, "fentry")


def test_live_is_fit_and_says_why_not_fentry() -> None:
    finding = check_liveness(lambda: "not permitted", yes)
    assert finding.level is Level.OK
    assert finding.what.startswith("live ") and finding.what.endswith("no fentry: not permitted")


def test_netlink_has_to_be_chosen_and_says_why_not_better() -> None:
    finding = check_liveness(lambda: "no", lambda: "the kernel has no BTF")
    assert finding.level is Level.PROBLEM
    assert finding.what.endswith("the kernel has no BTF")
    assert "--liveness netlink" in (finding.remedy or "")
