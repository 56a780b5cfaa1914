# SPDX-License-Identifier: GPL-2.0-only
"""New programs without root, and root's new programs in a folder that is a user's."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from netvsc_bpf.lab.sandbox import BPFFS
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import run, state
from tests.kernel.machine import unchanged
from tests.kernel.support.versions import Versions, assert_of_one_version, hooked
from tests.kernel.unprivileged.user import NEEDED, UID, as_user, require_readable_checkout

ROOT = BPFFS / "netvsc-bpf"
ATTACH = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")
USER = as_user(*NEEDED)


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> Iterator[Versions]:
    """Other versions that every user may read."""
    require_readable_checkout()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Versions(Path(folder), monkeypatch)


def test_s68_user_with_three_capabilities_takes_over_and_so_does_root_beside_it(
    lab: Lab, versions: Versions
) -> None:
    with unchanged(lab):
        state(run(lab, *ATTACH, wrapped_in=USER))
        before = hooked(lab)
        for wrapped_in in (USER, ()):
            state(run(lab, *ATTACH, wrapped_in=wrapped_in, env=versions.installed()))
            after = hooked(lab)
            assert_of_one_version(after)
            assert (after.places, after.build == before.build) == (before.places, False)
            assert {path.lstat().st_uid for path in (ROOT, *ROOT.rglob("*"))} == {UID}
            before = after
        assert run(lab, "detach", "eth0", wrapped_in=USER).returncode == 0
