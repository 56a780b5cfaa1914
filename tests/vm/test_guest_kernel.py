# SPDX-License-Identifier: GPL-2.0-only
"""What a guest must offer before any other test's answer in it means something.

Run inside the guests of ``make vm-test`` alone: the machine underneath may lack any of this.
"""

import os
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.guest,
    pytest.mark.every,
    pytest.mark.skipif(
        "NETVSC_BPF_GUEST_KERNEL" not in os.environ, reason="only inside a guest of make vm-test"
    ),
]

FENTRY = rb"""
#include <uapi/linux/bpf.h>
BPF_ARRAY(calls, u64, 1);
KFUNC_PROBE(call_netdevice_notifiers_info, unsigned long event, void *info)
{
	int slot = 0;
	u64 *count = calls.lookup(&slot);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}
"""


def test_guest_runs_the_kernel_that_was_asked_for() -> None:
    assert os.uname().release.startswith(os.environ["NETVSC_BPF_GUEST_KERNEL"] + ".")


def test_guest_kernel_describes_its_types() -> None:
    assert Path("/sys/kernel/btf/vmlinux").stat().st_size > 1_000_000


def test_guest_has_two_cpus_for_per_cpu_counters() -> None:
    assert len(os.sched_getaffinity(0)) >= 2


@pytest.mark.parametrize("kind", ["veth", "bridge", "dummy", "ifb"])
def test_guest_makes_interfaces_of_kind(kind: str) -> None:
    subprocess.run(["ip", "link", "add", "probe0", "type", kind], check=True)
    subprocess.run(["ip", "link", "del", "probe0"], check=True)


def test_guest_has_a_bpffs_to_pin_in() -> None:
    probe = Path("/sys/fs/bpf/probe")
    probe.mkdir()
    probe.rmdir()


def test_guest_cannot_write_the_machine_underneath() -> None:
    host = next(
        line.split() for line in Path("/proc/mounts").read_text().splitlines() if line.startswith("root ")
    )
    assert host[2] == "overlay", "writes must stay in the guest's memory"


def test_guest_attaches_fentry_to_the_netdevice_notifiers() -> None:
    os.environ["BCC_KERNEL_SOURCE"] = str(Path(__file__).parents[2] / "ebpf")  # bcc looks for <here>/include
    from bcc import BPF

    program = BPF(text=FENTRY)
    try:
        before = program["calls"][0].value
        subprocess.run(["ip", "link", "add", "probe0", "type", "dummy"], check=True)
        subprocess.run(["ip", "link", "del", "probe0"], check=True)
        deadline = time.monotonic() + 10
        while program["calls"][0].value == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert program["calls"][0].value > before
    finally:
        program.cleanup()
