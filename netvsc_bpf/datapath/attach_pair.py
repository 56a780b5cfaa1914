# SPDX-License-Identifier: GPL-2.0-only
"""attach: one pair or all pairs. A pair is attached completely or not at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netvsc_bpf.datapath import drains, order
from netvsc_bpf.datapath.join import join, leave, permit, rx_for
from netvsc_bpf.datapath.known_pairs import known_pairs, refresh_known
from netvsc_bpf.datapath.load import upgraded_or_load
from netvsc_bpf.datapath.options import AttachOptions, guard_mode
from netvsc_bpf.datapath.pair_status import pair_status
from netvsc_bpf.datapath.pairs import ensure_guard, ensure_pair, ensure_steer, guard_link, own_program
from netvsc_bpf.datapath.passed_by import passed_by
from netvsc_bpf.datapath.rollback import Undo
from netvsc_bpf.datapath.session import Session, reading, writing
from netvsc_bpf.datapath.wait_settled import wait_until_settled
from netvsc_bpf.discovery.known import KnownPair, KnownPairs
from netvsc_bpf.discovery.lookup import by_name
from netvsc_bpf.discovery.pairing import Pairing, Refusal, find_pair, find_synthetics
from netvsc_bpf.discovery.xdp_reach import bypassed_xdp_program
from netvsc_bpf.kernel.bpf import abi
from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.compile.child_process import CompileChild
from netvsc_bpf.model.errors import NetvscBpfError, Refused
from netvsc_bpf.model.nic import Pair
from netvsc_bpf.model.path import LeavePolicy, Reason, XdpPolicy
from netvsc_bpf.model.status import PairStatus


@dataclass(frozen=True, slots=True)
class Attached:
    """What attach did for one synthetic NIC."""

    status: PairStatus
    refusals: tuple[Refusal, ...]
    """NICs with the same MAC that were not taken as VF."""
    warnings: tuple[str, ...] = ()
    """What could not be done; the pair is attached nevertheless."""


@dataclass(frozen=True, slots=True)
class _Done:
    interface: str
    ifindex: int
    slot: int
    settling_vf: int | None
    """The VF (ifindex) that is permitted and may become the path."""
    refusals: tuple[Refusal, ...]
    warnings: tuple[str, ...]


Waits = Callable[[Sequence[str]], None]
"""Called with the names of the attached synthetic NICs when the wait for their VFs begins."""


def _ignore(interfaces: Sequence[str]) -> None:
    pass


def attach(
    interface: str,
    options: AttachOptions,
    waits: Waits = _ignore,
    early: CompileChild | None = None,
) -> Attached:
    """Attach one synthetic NIC of this thread's network namespace and wait once for its VF to settle.

    `waits` is called before the wait: from then on the pair is attached, even if the wait is interrupted.
    `early` compiles, if that is needed (kernel/compile/child_process.py).

    If it is attached already, the state is the same afterwards, with the programs of this version. Raises
    Refused, CannotHere and their subclasses, KernelError; all changes are undone then.
    """
    with writing(f"cannot attach {interface}") as session:
        if not session.attached():
            # Refuse before the compiler is started: it takes half a second.
            find_pair(session.nics, interface, vf=options.vf, any_bus=options.any_bus)
        with upgraded_or_load(session, options.liveness, early) as loaded:
            done = _attach_one(session, loaded, interface, options, known_pairs(session, loaded))
    return _settled([done], options, waits)[0]


def attach_all(
    options: AttachOptions, waits: Waits = _ignore, early: CompileChild | None = None
) -> tuple[list[Attached], list[NetvscBpfError]]:
    """Attach every NIC that is a synthetic one by its driver (with any_bus: by another NIC with its MAC).

    A failure affects its own pair only; the errors are returned.
    """
    done: list[_Done] = []
    errors: list[NetvscBpfError] = []
    with writing("cannot attach") as session:
        synthetics = find_synthetics(session.nics, any_bus=options.any_bus)
        if not synthetics:
            raise Refused(
                "cannot attach", "no synthetic NIC was found", "name one: `netvsc-bpf attach IFACE`"
            )
        with upgraded_or_load(session, options.liveness, early) as loaded:
            known = known_pairs(session, loaded)
            for synthetic in synthetics:
                if known.of(synthetic.ifindex) is None:
                    known.note(KnownPair(synthetic.ifindex, attached=False))
            for synthetic in synthetics:
                try:
                    done.append(_attach_one(session, loaded, synthetic.name, options, known))
                    refresh_known(known, loaded, synthetic.ifindex)
                except NetvscBpfError as error:
                    errors.append(error)
    return (_settled(done, options, waits) if done else []), errors


def _attach_one(
    session: Session, loaded: LoadedObject, interface: str, options: AttachOptions, known: KnownPairs
) -> _Done:
    hook = session.hook(loaded)
    pairing = _find_pair(session, interface, options, known)
    synthetic, vf = pairing.pair.synthetic, pairing.pair.vf
    rx = None if vf is None else rx_for(session, options, synthetic, vf)
    settling_vf = None
    with Undo() as undo:
        slot = ensure_pair(session, loaded, synthetic, undo)
        ensure_steer(session, loaded, hook, synthetic, slot, undo)
        if passed_by(synthetic.ifindex, own_program(session, synthetic.ifindex, "steer")):
            order.put_last(session, loaded, synthetic, slot)
        ensure_guard(session, loaded, synthetic, slot, guard_mode(options, synthetic), undo)
        if vf is not None and rx is not None:
            withheld = drains.withheld(loaded, slot, synthetic.ifindex)
            down = withheld if options.leave is LeavePolicy.DOWN else None
            denied = join(session, loaded, hook, pairing.pair, slot, rx, undo, down=down)
            if denied is None and options.xdp is XdpPolicy.REQUIRE and _bypasses_xdp(session, pairing.pair):
                loaded.control(ControlCommand.WITHDRAW, slot, abi.REASONS.index(Reason.XDP_MISSING))
            elif denied is None and withheld is not None:
                # Only stores the settle time, for later.
                loaded.control(ControlCommand.PERMIT, slot, options.settle_ms * 1_000_000)
                loaded.control(ControlCommand.WITHDRAW, slot, abi.REASONS.index(withheld))
            elif denied is None:
                permit(loaded, slot, options.settle_ms, vf)
                settling_vf = vf.ifindex if synthetic.up else None
        else:
            leave(session, loaded, hook, synthetic, slot, Reason.NO_VF)
        undo.pop_all()
    warnings, session.tools.warnings[:] = tuple(session.tools.warnings), ()
    return _Done(synthetic.name, synthetic.ifindex, slot, settling_vf, pairing.refusals, warnings)


def _bypasses_xdp(session: Session, pair: Pair) -> bool:
    """Return whether frames received by the VF would bypass a foreign XDP program of the synthetic NIC."""
    synthetic, vf = pair.synthetic, pair.vf
    guarded = guard_link(session, synthetic.ifindex) is not None
    return vf is not None and bypassed_xdp_program(synthetic, vf, guarded=guarded) is not None


def _find_pair(session: Session, interface: str, options: AttachOptions, known: KnownPairs) -> Pairing:
    before = known.of(by_name(session.nics, interface).ifindex)
    return find_pair(
        session.nics,
        interface,
        vf=options.vf,
        any_bus=options.any_bus,
        current_vf=None if before is None else before.vf,
        known=known,
    )


def _settled(done: Sequence[_Done], options: AttachOptions, waits: Waits) -> list[Attached]:
    """Wait for the VFs to settle, without the lock, so that other processes can work meanwhile."""
    if any(one.settling_vf is not None for one in done):
        waits([one.interface for one in done])
    with reading("cannot read the state") as session, LoadedObject(session.pins) as loaded:
        waiting = {one.slot: one.settling_vf for one in done if one.settling_vf is not None}
        wait_until_settled(session, loaded, waiting, options.settle_ms)
    with reading("cannot read the state") as session, LoadedObject(session.pins) as loaded:
        return [
            Attached(pair_status(session, loaded, one.ifindex), one.refusals, one.warnings) for one in done
        ]
