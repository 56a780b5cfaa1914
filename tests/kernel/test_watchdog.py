# SPDX-License-Identifier: GPL-2.0-only
"""The watchdog, run with the arguments that the kernel gives it: no veth has a queue that gets stuck."""

import ctypes
import os
from collections.abc import Callable

import pytest

from netvsc_bpf.kernel.bpf import libbpf, pin_files
from netvsc_bpf.kernel.bpf.abi import REASONS
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.plan import LabPlan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.attachment import attached
from tests.kernel.support.devices import NO_FABRIC, silence


def time_out(lab: Lab, device: int) -> None:
    """Have the program believe that queue 0 of the net_device at this address is stuck."""

    def run() -> None:
        with pin_files.got(NetnsPins(namespaces.current_inode()).sentinel / "net_dev_xmit_timeout") as link:
            program = libbpf.lib().bpf_prog_get_fd_by_id(libbpf.info(link, libbpf.LinkInfo).prog_id)
        arguments = (ctypes.c_uint64 * 2)(device, 0)
        # BPF_PROG_TEST_RUN of a raw tracepoint takes its arguments, and refuses everything else.
        options = libbpf._TestRunOpts(
            sz=ctypes.sizeof(libbpf._TestRunOpts),
            ctx_in=ctypes.addressof(arguments),
            ctx_size_in=ctypes.sizeof(arguments),
        )
        try:
            assert libbpf.lib().bpf_prog_test_run_opts(program, ctypes.byref(options)) == 0
        finally:
            os.close(program)

    lab.in_guest(run)


@pytest.mark.guest
@pytest.mark.newest
def test_s95_a_vf_whose_queue_is_stuck_is_left_and_others_change_nothing(
    lab_factory: Callable[[LabPlan], Lab],
) -> None:
    lab = lab_factory(NO_FABRIC)
    silence(lab)
    with attached(lab, settle_ms=10) as pair:
        assert pair.steer() is Path.VF
        before = pair.state().vf_dev
        time_out(lab, 0)
        assert pair.steer() is Path.VF
        time_out(lab, before)
        after = pair.state()
        assert (after.armed, REASONS[after.reason]) == (0, Reason.TX_TIMEOUT)
