# SPDX-License-Identifier: GPL-2.0-only
"""`make mutation-test` itself: its mutations apply, and it detects survivors."""

from collections import Counter
from pathlib import Path

import pytest

from tests.mutation.mutation import Mutation, StaleMutation
from tests.mutation.run import ALL, REPO, Verdict, judge, main, untouched


@pytest.mark.parametrize("mutation", ALL, ids=lambda mutation: mutation.name)
def test_s95_text_that_a_mutation_replaces_occurs_once(mutation: Mutation) -> None:
    assert mutation.applied(REPO) != (REPO / mutation.file).read_text()
    assert mutation.tests
    assert all((REPO / test.partition("::")[0]).is_file() for test in mutation.tests)


def test_s95_there_are_25_mutations_or_more_each_by_its_name() -> None:
    assert len(ALL) >= 25
    assert [name for name, times in Counter(one.name for one in ALL).items() if times > 1] == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A product of one function, and its test."""
    for folder in ("netvsc_bpf", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "netvsc_bpf/__init__.py").touch()
    (tmp_path / "netvsc_bpf/sign.py").write_text("def sign(x):\n    return x > 0\n")
    (tmp_path / "tests/test_sign.py").write_text(
        "from netvsc_bpf.sign import sign\n\n\ndef test_sign():\n    assert sign(1) and not sign(-1)\n"
    )
    return tmp_path


def mutation(old: str, new: str, test: str = "tests/test_sign.py") -> Mutation:
    return Mutation("a test", "netvsc_bpf/sign.py", old, new, (test,))


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (mutation("x > 0", "x < 0"), Verdict.NOTICED),
        (mutation("x > 0", "x >= 0"), Verdict.SURVIVED),
        (mutation("x > 0", "x >"), Verdict.BROKEN),
        (mutation("no such text", ""), Verdict.BROKEN),
        (mutation("x > 0", "x < 0", "tests/test_that_is_not_there.py"), Verdict.BROKEN),
    ],
    ids=["noticed", "survived", "no Python", "rotten", "no test"],
)
def test_s95_the_verdict_is_that_of_the_tests(checkout: Path, change: Mutation, verdict: Verdict) -> None:
    assert judge(change, checkout).verdict is verdict
    assert (checkout / "netvsc_bpf/sign.py").read_text().endswith("x > 0\n"), "the checkout stays as it is"


def test_s95_tests_that_fail_anyway_prove_nothing(checkout: Path) -> None:
    assert untouched(["tests/test_sign.py"], checkout) == ""
    (checkout / "netvsc_bpf/sign.py").write_text("def sign(x):\n    return False\n")
    assert "test_sign" in untouched(["tests/test_sign.py"], checkout)


def test_s95_text_that_occurs_twice_is_refused(checkout: Path) -> None:
    with pytest.raises(StaleMutation, match="occurs 2 times"):
        mutation("n", "m").applied(checkout)


def test_s95_a_name_that_nothing_has_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no such mutation at all"]) == 1
    assert "no such mutation" in capsys.readouterr().out
