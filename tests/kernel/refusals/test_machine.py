# SPDX-License-Identifier: GPL-2.0-only
"""Machines that cannot: one line with the remedy, exit status 4, and nothing half attached."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.topology import Lab
from tests.kernel.commands import PROGRAM, Ended, refused, run, state
from tests.kernel.machine import unchanged
from tests.kernel.support.sabotage import sabotage

LabFactory = Callable[..., Lab]
CliIn = Callable[..., Ended]
ATTACH = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")


def elsewhere(script: str) -> list[str]:
    """Return the beginning of a command line that changes its own mounts before it runs the rest."""
    return ["unshare", "--mount", "sh", "-ec", f'{script}; exec "$@"', "sh"]


# The one below the sandbox's own would be the machine's.
NO_BPFFS = elsewhere("while umount /sys/fs/bpf 2>/dev/null; do :; done")
READ_ONLY_BPFFS = elsewhere("mount -t bpf test /sys/fs/bpf; mount -o remount,ro /sys/fs/bpf")
NO_BTF = elsewhere("mount --bind /dev/null /sys/kernel/btf/vmlinux")


def without(*capabilities: str) -> list[str]:
    """Return the beginning of a command line that runs the rest as root with fewer capabilities."""
    less = ",".join(f"-{name}" for name in capabilities)
    return ["setpriv", f"--bounding-set={less}", f"--inh-caps={less}"]


# It may read this checkout, wherever that is, but that is all.
UNPRIVILEGED = [
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search"),
]


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory(LabPlan(fabric=Fabric.NONE))


@pytest.mark.parametrize(
    ("wrapped_in", "said"),
    [
        (NO_BPFFS, ["no bpffs is mounted there", "mount -t bpf bpf /sys/fs/bpf"]),
        (READ_ONLY_BPFFS, ["read-only", "mount -o remount,rw /sys/fs/bpf"]),
        (without("bpf", "sys_admin"), ["CAP_BPF is missing", "run as root"]),
        (without("net_admin"), ["CAP_NET_ADMIN is missing"]),
        (without("perfmon", "sys_admin"), ["CAP_PERFMON is missing"]),
        (UNPRIVILEGED, ["CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON are missing", "run as root"]),
    ],
    ids=["no-bpffs", "read-only-bpffs", "no-cap-bpf", "no-cap-net-admin", "no-cap-perfmon", "not-root"],
)
def test_s67_machine_that_cannot_says_why(lab: Lab, wrapped_in: list[str], said: list[str]) -> None:
    with unchanged(lab):
        refused(run(lab, *ATTACH, wrapped_in=wrapped_in), 4, *said)


def test_s67_ip_netns_exec_hides_bpffs(lab: Lab) -> None:
    command = ["ip", "netns", "exec", lab.guest, *PROGRAM, *ATTACH]
    with unchanged(lab):
        result = subprocess.run(command, text=True, capture_output=True, check=False)
        refused(result, 4, f"`ip netns exec {lab.guest}` hides it", f"--netns {lab.guest}")


def test_s67_entering_a_namespace_takes_a_capability(lab: Lab) -> None:
    arguments = ["--netns", lab.guest, *ATTACH]
    with unchanged(lab):
        refused(run(lab, *arguments, wrapped_in=without("sys_admin")), 4, "CAP_SYS_ADMIN is missing")


def test_s67_kernel_without_btf_is_distinguished_from_a_failure(lab: Lab, cli_in: CliIn) -> None:
    with unchanged(lab):
        refused(
            run(lab, *ATTACH, wrapped_in=NO_BTF), 4, "cannot read kernel structures", "--liveness netlink"
        )
        pair = state(run(lab, *ATTACH, "--liveness", "netlink", wrapped_in=NO_BTF))
        assert (pair["path"], pair["liveness"]) == ("vf", "netlink")
        assert cli_in(lab.guest, "detach", "eth0").returncode == 0


@pytest.mark.parametrize(
    "files",
    [
        {"bcc.py": "raise ModuleNotFoundError(\"No module named 'bcc'\")\n"},
        # PyPI's: an unrelated program.
        {"bcc/__init__.py": "__version__ = '0.1.10'\n", "bcc/cli.py": "def main(): ...\n"},
    ],
    ids=["none", "pypi"],
)
def test_s67_missing_bcc_names_the_package(lab: Lab, tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    environment = sabotage(tmp_path, f"sys.path.insert(0, {str(tmp_path)!r})\n")
    with unchanged(lab):
        result = run(lab, *ATTACH, env=environment)
        refused(result, 4, "python3-bpfcc is missing", "apt-get install python3-bpfcc")
