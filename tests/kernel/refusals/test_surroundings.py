# SPDX-License-Identifier: GPL-2.0-only
"""Machines with less around us than usual: what is not essential is done without."""

from collections.abc import Callable
from pathlib import Path

import pytest

from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import refused, run, state
from tests.kernel.machine import pins, unchanged
from tests.kernel.support.mounts import READ_ONLY_SYSCTLS

LabFactory = Callable[..., Lab]
ATTACH = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")
READ_ONLY = ["unshare", "--mount", "sh", "-ec", 'mount -o remount,bind,ro /; exec "$@"', "sh"]
NO_SYSCTLS = ["unshare", "--mount", "sh", "-ec", 'mount -t tmpfs none /proc/sys; exec "$@"', "sh"]
NO_HOME = ["env", "--unset=HOME", "TMPDIR=/nonexistent"]


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory(LabPlan(fabric=Fabric.NONE))


@pytest.mark.parametrize("variable", ["CPATH", "C_INCLUDE_PATH"])
def test_s88_headers_of_the_caller_do_not_reach_the_compiler(lab: Lab, tmp_path: Path, variable: str) -> None:
    for header in ("linux/types.h", "bcc/bpf.h", "linux/kconfig.h", "uapi/linux/bpf.h"):
        (tmp_path / header).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / header).write_text("#error not ours\n")
    with unchanged(lab):
        assert state(run(lab, *ATTACH, env={variable: str(tmp_path)}))["path"] == "vf"
        assert run(lab, "detach", "eth0").returncode == 0


def test_s88_read_only_root_without_home_or_temporary_folder(lab: Lab) -> None:
    with unchanged(lab):
        surroundings = [*READ_ONLY, *NO_HOME]
        assert state(run(lab, *ATTACH, wrapped_in=surroundings))["path"] == "vf"
        assert state(run(lab, "status", "eth0", "--json", wrapped_in=surroundings))["path"] == "vf"
        assert run(lab, "detach", "eth0", wrapped_in=surroundings).returncode == 0


def test_s88_working_folder_that_was_deleted(lab: Lab, tmp_path: Path) -> None:
    gone = ["sh", "-ec", f'mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir {tmp_path}/gone; exec "$@"', "sh"]
    with unchanged(lab):
        assert state(run(lab, *ATTACH, wrapped_in=gone))["path"] == "vf"
        assert run(lab, "detach", "eth0", wrapped_in=gone).returncode == 0


@pytest.mark.parametrize(
    ("sysctls", "why"),
    [(READ_ONLY_SYSCTLS, "/proc/sys is read-only"), (NO_SYSCTLS, "there is no /proc/sys/net/ipv6/conf")],
    ids=["read-only", "none"],
)
def test_s88_without_sysctls_the_vf_is_used_with_a_warning(lab: Lab, sysctls: list[str], why: str) -> None:
    with unchanged(lab):
        attached = run(lab, *ATTACH, wrapped_in=sysctls)
        assert state(attached)["path"] == "vf"
        (warning,) = attached.stderr.splitlines()
        assert warning.startswith("netvsc-bpf: vf0 keeps IPv6")
        assert f": {why}; `sysctl -w net.ipv6.conf.vf0.disable_ipv6=1`" in warning
        assert run(lab, "detach", "eth0", wrapped_in=sysctls).returncode == 0


def test_s88_settings_not_restored_due_to_read_only_sysctls_are_reported_with_a_remedy(lab: Lab) -> None:
    assert state(run(lab, *ATTACH))["path"] == "vf"
    detached = run(lab, "detach", "eth0", wrapped_in=READ_ONLY_SYSCTLS)
    refused(detached, 1, "cannot restore the IPv6 settings of vf0", "is read-only", "mount it read-write")
    assert pins() == []
