# SPDX-License-Identifier: GPL-2.0-only
"""Which options apply to a pair: those given now, else those of an earlier attach, else the defaults."""

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace

from netvsc_bpf.datapath.options import AttachOptions, applied
from netvsc_bpf.datapath.session import Session
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf import abi, attach_notes
from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.model.attach_choice import AttachChoice
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import Reason, ReturnPolicy


def choice_before(session: Session, loaded: LoadedObject, synthetic: Nic) -> AttachChoice:
    """Return what an earlier attach chose for this NIC, not for one that had its ifindex before."""
    slot = find_pair_slot(loaded, synthetic.ifindex)
    if slot is None or loaded.synthetic_ifindex(slot) != synthetic.ifindex:
        return AttachChoice()
    return attach_notes.read(session.pins, synthetic.ifindex)


def in_force(
    loaded: LoadedObject | None,
    synthetic: Nic,
    options: AttachOptions,
    given: Collection[str],
    choice: AttachChoice,
) -> AttachOptions:
    """Return the options for a pair of which `choice` was chosen, now or before.

    Guard, settle time and return policy that were never chosen stay as they are: the manager may have set
    them, by its configuration.
    """
    options = applied(options, choice)
    slot = None if loaded is None else find_pair_slot(loaded, synthetic.ifindex)
    if loaded is None or slot is None:
        return options
    state = loaded.pair(slot)
    if choice.guard is None and "guard" not in given:
        options = replace(options, guard=abi.GUARD_MODES[state.guard])
    if choice.settle_ms is None and state.settle_ns:
        options = replace(options, settle_ms=state.settle_ns // 1_000_000)
    if choice.return_ is None:
        options = replace(options, return_=abi.RETURN_POLICIES[abi.Returns(state.returns)])
    return options


def still_withheld(withheld: Reason | None, options: AttachOptions) -> Reason | None:
    """Return why the VF must not be used with these options: `auto` ends the wait for an operator."""
    ends = withheld is Reason.MANUAL and options.return_ is ReturnPolicy.AUTO
    return None if ends else withheld


def set_return(loaded: LoadedObject, slot: int, policy: ReturnPolicy, undo: ExitStack) -> None:
    """Put a return policy into force; a wait for an operator stays if the policy is the same.

    A wait that it ends is not begun again by `undo`.
    """
    before = abi.RETURN_POLICIES[abi.Returns(loaded.pair(slot).returns)]
    if before is not policy:
        undo.callback(loaded.control, ControlCommand.RETURN, slot, abi.Returns[before.name])
        loaded.control(ControlCommand.RETURN, slot, abi.Returns[policy.name])
