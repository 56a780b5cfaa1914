# SPDX-License-Identifier: GPL-2.0-only
"""attach: one pair or all pairs. A pair is attached completely or not at all."""

from collections.abc import Callable, Collection, Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from netvsc_bpf.datapath import attach_choices, drains, order
from netvsc_bpf.datapath.find_vf import bypasses_xdp, find_vf, held_back, known_to_attach
from netvsc_bpf.datapath.join import join, leave, permit, rx_for
from netvsc_bpf.datapath.known_pairs import refresh_known
from netvsc_bpf.datapath.load import upgraded_or_load
from netvsc_bpf.datapath.options import AttachOptions, guard_mode, not_default, updated
from netvsc_bpf.datapath.pair_status import pair_status
from netvsc_bpf.datapath.pairs import ensure_guard, ensure_pair, ensure_steer, own_program
from netvsc_bpf.datapath.passed_by import passed_by
from netvsc_bpf.datapath.rollback import Undo
from netvsc_bpf.datapath.session import Session, reading, writing
from netvsc_bpf.datapath.wait_settled import wait_until_settled
from netvsc_bpf.discovery.known import KnownPair, KnownPairs
from netvsc_bpf.discovery.lookup import by_name
from netvsc_bpf.discovery.pairing import Refusal, find_pair, find_synthetics
from netvsc_bpf.kernel.bpf import abi, attach_notes, pair_programs
from netvsc_bpf.kernel.bpf.abi import ControlCommand
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.compile.child_process import CompileChild
from netvsc_bpf.model.errors import ForeignLayout, NetvscBpfError, NoSuchNic, NotAttached, Refused
from netvsc_bpf.model.nic import Pair
from netvsc_bpf.model.path import GuardMode, LeavePolicy, Reason, RxMode, XdpPolicy
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
    settle_ms: int
    refusals: tuple[Refusal, ...]
    warnings: tuple[str, ...]


Held = Callable[[], Container[int]]
"""Returns the synthetic NICs (ifindexes) whose VFs a running manager holds back."""


@dataclass(frozen=True, slots=True)
class _Request:
    """What attach was asked for."""

    options: AttachOptions
    given: Collection[str]
    """The names of the options that were given; others are kept from an earlier attach."""
    held: Held


Waits = Callable[[Sequence[str]], None]
"""Called with the names of the attached synthetic NICs when the wait for their VFs begins."""


def _ignore(interfaces: Sequence[str]) -> None:
    pass


def attach(
    interface: str,
    options: AttachOptions,
    waits: Waits = _ignore,
    early: CompileChild | None = None,
    given: Collection[str] | None = None,
    held: Held = tuple,
) -> Attached:
    """Attach one synthetic NIC of this thread's network namespace and wait once for its VF to settle.

    `waits` is called before the wait: from then on the pair is attached, even if the wait is interrupted.
    `early` compiles, if that is needed (kernel/compile/child_process.py). `given` are the names of the
    options that count, by default of those that differ from their defaults; the others stay as an earlier
    attach chose them. A VF that a running manager holds back (`held`) is not permitted.

    If it is attached already, the state is the same afterwards, with the programs of this version. Raises
    Refused, CannotHere and their subclasses, KernelError; all changes are undone then. NotAttached says that
    something else detached the pair during the wait.
    """
    request = _request(options, given, held)
    with writing(f"cannot attach {interface}") as session:
        if not session.attached():
            # Refuse before the compiler is started: it takes half a second.
            find_pair(session.nics, interface, vf=options.vf, any_bus=options.any_bus)
        with upgraded_or_load(session, options.liveness, early) as loaded:
            done = _attach_one(session, loaded, interface, request, known_to_attach(session, loaded))
    attached, errors = _settled([done], waits)
    if errors:
        raise errors[0]
    return attached[0]


def attach_all(
    options: AttachOptions,
    waits: Waits = _ignore,
    early: CompileChild | None = None,
    given: Collection[str] | None = None,
    held: Held = tuple,
) -> tuple[list[Attached], list[NetvscBpfError]]:
    """Attach every NIC that is a synthetic one by its driver (with any_bus: by another NIC with its MAC).

    A failure affects its own pair only; the errors are returned.
    """
    request = _request(options, given, held)
    done: list[_Done] = []
    errors: list[NetvscBpfError] = []
    with writing("cannot attach") as session:
        synthetics = find_synthetics(session.nics, any_bus=options.any_bus)
        if not synthetics:
            raise Refused(
                "cannot attach", "no synthetic NIC was found", "name one: `netvsc-bpf attach IFACE`"
            )
        with upgraded_or_load(session, options.liveness, early) as loaded:
            known = known_to_attach(session, loaded)
            for synthetic in synthetics:
                if known.of(synthetic.ifindex) is None:
                    known.note(KnownPair(synthetic.ifindex, attached=False))
            for synthetic in synthetics:
                try:
                    done.append(_attach_one(session, loaded, synthetic.name, request, known))
                    refresh_known(known, loaded, synthetic.ifindex)
                except NetvscBpfError as error:
                    errors.append(error)
    attached, gone = _settled(done, waits) if done else ([], [])
    return attached, [*errors, *gone]


def _request(options: AttachOptions, given: Collection[str] | None, held: Held) -> _Request:
    return _Request(options, not_default(options) if given is None else given, held)


def _attach_one(
    session: Session, loaded: LoadedObject, interface: str, request: _Request, known: KnownPairs
) -> _Done:
    hook, named = session.hook(loaded), by_name(session.nics, interface)
    before = attach_choices.choice_before(session, loaded, named)
    choice = updated(before, request.options, request.given)
    options = attach_choices.in_force(loaded, named, request.options, request.given, choice)
    pairing = find_vf(session, interface, options, known, waits="vf" not in request.given)
    synthetic, vf = pairing.pair.synthetic, pairing.pair.vf
    rx = None if vf is None else rx_for(session, options, synthetic, vf)
    settling_vf = None
    guard = guard_mode(options, synthetic)
    with Undo() as undo:
        slot = ensure_pair(session, loaded, synthetic, undo, guard)
        if choice != before:
            undo.callback(attach_notes.write, session.pins, synthetic.ifindex, before)
            attach_notes.write(session.pins, synthetic.ifindex, choice)
        with pair_programs.loading_ahead(loaded, synthetic.ifindex, slot, _after_steer(guard, rx)):
            ensure_steer(session, loaded, hook, synthetic, slot, undo)
            if passed_by(synthetic.ifindex, own_program(session, synthetic.ifindex, "steer")):
                order.put_last(session, loaded, synthetic, slot)
            ensure_guard(session, loaded, synthetic, slot, guard, undo)
            if rx is not None:
                settling_vf = _use_vf(session, loaded, pairing.pair, slot, rx, options, request.held, undo)
        if rx is None:
            attach_choices.set_return(loaded, slot, options.return_, undo)
            leave(session, loaded, hook, synthetic, slot, Reason.NO_VF)
        undo.pop_all()
    warnings, session.tools.warnings[:] = tuple(session.tools.warnings), ()
    return _Done(
        synthetic.name,
        synthetic.ifindex,
        slot,
        settling_vf,
        options.settle_ms,
        pairing.refusals,
        warnings,
    )


def _after_steer(guard: GuardMode, rx: RxMode | None) -> Iterator[str]:
    """Yield the programs that are attached after steer, in that order."""
    if guard is not GuardMode.OFF:
        yield "guard"
    if rx is RxMode.REDIRECT:
        yield "home"


def _use_vf(
    session: Session,
    loaded: LoadedObject,
    pair: Pair,
    slot: int,
    rx: RxMode,
    options: AttachOptions,
    held_by_manager: Held,
    undo: Undo,
) -> int | None:
    """Join the VF of `pair` and permit it if it may be used; return it (ifindex) if it has to settle."""
    synthetic, vf = pair.synthetic, pair.vf
    assert vf is not None
    withheld = attach_choices.still_withheld(drains.withheld(loaded, slot, synthetic.ifindex), options)
    held = held_back(loaded, slot, vf)
    if held is not None and synthetic.ifindex not in held_by_manager():
        held = None
    down = withheld if options.leave is LeavePolicy.DOWN else None
    down = held if down is None and not vf.up else down
    denied = join(
        *(session, loaded, session.hook(loaded), pair, slot, rx, undo),
        down=down,
        all_multicast=options.all_multicast,
    )
    attach_choices.set_return(loaded, slot, options.return_, undo)
    if denied is not None:
        return None
    if options.xdp is XdpPolicy.REQUIRE and bypasses_xdp(session, pair):
        loaded.control(ControlCommand.WITHDRAW, slot, abi.REASONS.index(Reason.XDP_MISSING))
    elif withheld is not None:
        # Only stores the settle time, for later.
        loaded.control(ControlCommand.PERMIT, slot, options.settle_ms * 1_000_000)
        loaded.control(ControlCommand.WITHDRAW, slot, abi.REASONS.index(withheld))
    elif held is None:
        permit(loaded, slot, options.settle_ms, vf)
        return vf.ifindex if synthetic.up else None
    return None


def _settled(done: Sequence[_Done], waits: Waits) -> tuple[list[Attached], list[NotAttached]]:
    """Wait for the VFs to settle, without the lock, so that other processes can work meanwhile.

    Each pair that was detached by one of them, or lost its NIC, is an error of its own.
    """
    if any(one.settling_vf is not None for one in done):
        waits([one.interface for one in done])
    with reading("cannot read the state") as session, _unless_all_detached(session):
        waiting = {one.slot: one.settling_vf for one in done if one.settling_vf is not None}
        with LoadedObject(session.pins) as loaded:
            wait_until_settled(session, loaded, waiting, max((one.settle_ms for one in done), default=0))
    states: dict[int, PairStatus] = {}
    with (
        reading("cannot read the state") as session,
        _unless_all_detached(session),
        LoadedObject(session.pins) as loaded,
    ):
        for one in done:
            with suppress(NoSuchNic, NotAttached):
                states[one.ifindex] = pair_status(session, loaded, one.ifindex)
    attached = [
        Attached(states[one.ifindex], one.refusals, one.warnings) for one in done if one.ifindex in states
    ]
    return attached, [_gone(one.interface) for one in done if one.ifindex not in states]


@contextmanager
def _unless_all_detached(session: Session) -> Iterator[None]:
    """End the block where maps or programs are missing because no pair is attached any more."""
    try:
        yield
    except ForeignLayout:
        if session.attached():
            raise


def _gone(interface: str) -> NotAttached:
    return NotAttached(
        f"{interface} is not attached any more",
        "it was detached, removed or moved while its VF settled",
        "attach it again if that was not intended",
    )
