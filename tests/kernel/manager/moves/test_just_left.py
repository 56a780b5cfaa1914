# SPDX-License-Identifier: GPL-2.0-only
"""A synthetic NIC leaves between the manager's look at it and what the manager does then."""

import errno
from contextlib import ExitStack

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath.locate_moved import find
from netvsc_bpf.datapath.options import AttachOptions
from netvsc_bpf.datapath.pairs import guard_link
from netvsc_bpf.datapath.session import writing
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.reconcile.executor import Executor, is_gone
from netvsc_bpf.model.errors import KernelError
from netvsc_bpf.model.path import GuardMode, Liveness
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.observation import PairObservation
from tests.kernel.support.pod import Pod


def test_s55_nic_that_left_since_the_look_keeps_its_guard_by_which_it_is_found(lab: Lab, pod: Pod) -> None:
    def attach_too_late() -> None:
        with ExitStack() as opened:
            session = opened.enter_context(writing("attach"))
            loaded = opened.enter_context(LoadedObject(session.pins))
            synthetic = next(nic for nic in session.nics if nic.name == "eth0")
            guard = guard_link(session, synthetic.ifindex)
            pod.take()
            step = act.Attach(synthetic.ifindex)
            with pytest.raises(KernelError) as refused:
                Executor(session, loaded, options).run(step)
            assert refused.value.errno == errno.ENODEV
            seen = PairObservation(synthetic, steer=False, guard=False, liveness=Liveness.LIVE)
            assert is_gone(seen, step), "that is no failure"
            assert guard is not None and guard_link(session, synthetic.ifindex) == guard
            found = find(session.pins, synthetic.ifindex, None)
            assert found is not None and found.place.name == pod.name

    options = AttachOptions(any_bus=True, guard=GuardMode.ALL)
    lab.in_guest(datapath.attach, "eth0", options)
    lab.in_guest(attach_too_late)
    lab.in_guest(datapath.detach_all)
