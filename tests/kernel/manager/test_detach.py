# SPDX-License-Identifier: GPL-2.0-only
"""detach beside a manager: it would be undone at once, so it is refused until the manager is gone."""

from collections.abc import Callable

from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path
from tests.kernel.commands import refused, run
from tests.kernel.support.manager import Manager


def test_detach_is_refused_while_a_manager_would_attach_again(
    lab: Lab, start: Callable[..., Manager]
) -> None:
    manager = start(lab)
    manager.wait_vf()
    for what in ("eth0", "--all"):
        refused(
            run(lab, "detach", what),
            3,
            f"process {manager.process.pid} manages this network namespace",
            "stop it first",
        )
    assert manager.status.path is Path.VF
    assert manager.stop() == 0
    assert run(lab, "detach", "--all").returncode == 0
    assert manager.statuses() == []
