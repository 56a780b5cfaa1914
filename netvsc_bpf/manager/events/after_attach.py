# SPDX-License-Identifier: GPL-2.0-only
"""attach beside a running manager: the manager reconciles at once, and what it changed is reported."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from netvsc_bpf import datapath
from netvsc_bpf.datapath.attach_pair import Attached
from netvsc_bpf.datapath.options import AttachOptions
from netvsc_bpf.manager.events.manager_outlook import with_outlook
from netvsc_bpf.manager.events.running_manager import RunningManager
from netvsc_bpf.model.status import PairStatus


def confirmed(attached: Sequence[Attached], options: AttachOptions, given: Collection[str]) -> list[Attached]:
    """Return what attach did as it is once a manager, if there is one, has reconciled it.

    What was chosen and does not apply, because its own settings override it, becomes a warning.
    """
    manager = RunningManager()
    managed = bool(attached) and manager.is_running() and manager.reconcile()
    now = {one.synthetic.ifindex: one for one in datapath.status()} if managed else {}
    states = with_outlook([now.get(one.status.synthetic.ifindex, one.status) for one in attached])
    return [
        replace(
            one, status=state, warnings=(*one.warnings, *(overruled(state, options, given) if now else ()))
        )
        for one, state in zip(attached, states, strict=True)
    ]


def overruled(state: PairStatus, options: AttachOptions, given: Collection[str]) -> list[str]:
    """Return, in words, which given options do not apply to a pair that a manager has reconciled. Pure."""
    compared = {
        "settle_ms": ("--settle", options.settle_ms, state.settle_ms),
        "guard": ("--guard", options.guard, state.guard),
        "rx": ("--rx", options.rx, state.rx_mode if state.vf is not None else None),
        "return_": ("--return", options.return_, state.return_policy),
    }
    return [
        f"{state.synthetic.name}: the running manager uses {option} {real} instead: its command line, or "
        f"[interface.{state.synthetic.name}] in its configuration, says so"
        for name, (option, wanted, real) in compared.items()
        if name in given and None not in (wanted, real) and wanted != real
    ]
