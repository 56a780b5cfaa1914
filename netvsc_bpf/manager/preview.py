# SPDX-License-Identifier: GPL-2.0-only
"""What `run`, or `attach`, would do now. Reads the kernel as they do, and changes nothing."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from netvsc_bpf.datapath.attach_choices import choice_before, in_force
from netvsc_bpf.datapath.find_vf import find_vf, known_to_attach
from netvsc_bpf.datapath.join import rx_for
from netvsc_bpf.datapath.load import refuse_other_level
from netvsc_bpf.datapath.options import AttachOptions, guard_mode, updated
from netvsc_bpf.datapath.pairs import guard_link
from netvsc_bpf.datapath.session import Session, reading
from netvsc_bpf.datapath.upgrade import is_of_another_build
from netvsc_bpf.discovery.known import KnownPair, KnownPairs
from netvsc_bpf.discovery.lookup import by_name
from netvsc_bpf.discovery.pairing import Refusal, find_synthetics
from netvsc_bpf.kernel.bpf import attach_notes, pins
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.hooks import xdp
from netvsc_bpf.kernel.process.capabilities import CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, require
from netvsc_bpf.kernel.process.kernel_version import require_kernel
from netvsc_bpf.manager.events.claim import holder
from netvsc_bpf.manager.reconcile.observe import observe, wanted_settle_ms
from netvsc_bpf.manager.refusals import refuse_what_attach_refuses
from netvsc_bpf.manager.state.attached_pairs import opened
from netvsc_bpf.manager.state.config import InterfaceConfig, ManagerConfig
from netvsc_bpf.manager.state.known_pairs import known_to_manager
from netvsc_bpf.manager.state.managed_nics import Managed
from netvsc_bpf.manager.state.vf_selection import Seen
from netvsc_bpf.model.attach_choice import AttachChoice
from netvsc_bpf.model.errors import NetvscBpfError, Refused
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import GuardMode, XdpPolicy
from netvsc_bpf.planner import actions as act
from netvsc_bpf.planner.forecast import forecast
from netvsc_bpf.planner.plan import Wanted
from netvsc_bpf.planner.preview import PairPreview, Preview, Programs
from netvsc_bpf.planner.stall import HOLDS

_CAPABILITIES = (CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON)


def preview_run(config: ManagerConfig) -> Preview:
    """Return what a manager with this configuration would do if it started now.

    Raises what it would raise at its start, except Busy: BpffsUnavailable, MissingCapability, Refused.
    """
    require_kernel("cannot plan")
    require("cannot plan", *_CAPABILITIES)
    refuse_what_attach_refuses(config)
    with reading("cannot plan") as session, opened(session.pins) as loaded:
        managed = Managed(config.interfaces, config.options.any_bus)
        synthetics = managed.among(session.nics, session.attached())
        wanted = [(nic, _configured(session, config, managed, nic)) for nic in synthetics]
        known = known_to_manager(session, loaded, wanted)
        pairs = []
        for nic, one in wanted:
            pair = _pair(observe(session, loaded, nic, one.options, known), one)
            failed = tuple(map(str, _errors(session, pair, one.options)))
            pairs.append(replace(pair, problems=(*pair.problems, *failed)))
        return Preview(
            tuple(pairs),
            _programs(session, loaded, pairs),
            holder(),
            tuple(step.ifindex for step in act.orphans(session.attached(), _ifindexes(session))),
            tuple(managed.missing()),
        )


def preview_attach(
    interface: str | None, options: AttachOptions, given: Collection[str]
) -> tuple[Preview, list[NetvscBpfError]]:
    """Return what `attach` of one interface, or of all (None), would do now, and the errors of single pairs.

    With an interface its error is raised: what attach() raises before it changes anything.
    """
    what = f"cannot attach {interface}" if interface is not None else "cannot attach"
    require(what, *_CAPABILITIES)
    with reading(what) as session, opened(session.pins) as loaded:
        if loaded is not None:
            refuse_other_level(loaded, options.liveness)
        known = KnownPairs() if loaded is None else known_to_attach(session, loaded)
        synthetics = _to_attach(session, interface, options)
        for nic in synthetics if interface is None else ():
            if known.of(nic.ifindex) is None:
                known.note(KnownPair(nic.ifindex, attached=False))
        pairs, errors = [], list[NetvscBpfError]()
        for nic in synthetics:
            try:
                pairs.append(_attached(session, loaded, nic, options, given, known))
            except NetvscBpfError as error:
                if interface is not None:
                    raise
                errors.append(error)
        return Preview(tuple(pairs), _programs(session, loaded, pairs), holder()), errors


def _to_attach(session: Session, interface: str | None, options: AttachOptions) -> list[Nic]:
    if interface is not None:
        return [by_name(session.nics, interface)]
    found = find_synthetics(session.nics, any_bus=options.any_bus)
    if not found:
        raise Refused("cannot attach", "no synthetic NIC was found", "name one: `netvsc-bpf attach IFACE`")
    return list(found)


def _attached(
    session: Session,
    loaded: LoadedObject | None,
    nic: Nic,
    options: AttachOptions,
    given: Collection[str],
    known: KnownPairs,
) -> PairPreview:
    choice = updated(
        AttachChoice() if loaded is None else choice_before(session, loaded, nic), options, given
    )
    options = in_force(loaded, nic, options, given, choice)
    pairing = find_vf(session, nic.name, options, known, waits="vf" not in given)
    seen = observe(session, loaded, nic, options, known)
    # attach takes what find_vf() finds; the rest of the observation is the same.
    seen = Seen(replace(seen.pair, candidate=pairing.pair.vf, refused=False), pairing.refusals)
    pair = _pair(seen, InterfaceConfig(options, options.settle_ms))
    for error in _errors(session, pair, options):
        raise error
    return pair


def _configured(session: Session, config: ManagerConfig, managed: Managed, nic: Nic) -> InterfaceConfig:
    choice = attach_notes.read(session.pins, nic.ifindex)
    return config.of(managed.name(nic), nic.name, *nic.altnames).with_choice(choice)


def _pair(seen: Seen, config: InterfaceConfig) -> PairPreview:
    joined, nic = seen.pair.joined, seen.pair.synthetic
    settle_ms = wanted_settle_ms(seen, config.settle_ms)
    wanted = Wanted(
        settle_ms,
        held=None if joined is None or joined.withheld not in HOLDS else joined.withheld,
        needs_xdp=config.options.xdp is XdpPolicy.REQUIRE,
        leave=config.options.leave,
        all_multicast=config.options.all_multicast,
        returns=config.options.return_,
    )
    problems = [_said(one) for one in seen.refusals]
    if seen.problem is not None:
        problems.append(str(seen.problem))
    return PairPreview(
        nic, forecast(seen.pair, wanted), settle_ms, guard_mode(config.options, nic), tuple(problems)
    )


def _said(refusal: Refusal) -> str:
    return f"{refusal.nic.name} is not used: {refusal.reason}"


def _errors(session: Session, pair: PairPreview, options: AttachOptions) -> list[NetvscBpfError]:
    """Return the errors that the steps of a pair would fail with, as far as they can be foreseen."""
    nic, errors = pair.synthetic, list[NetvscBpfError]()
    for seen, step in pair.forecast.steps:
        try:
            if isinstance(step, act.Join):
                rx_for(session, options, nic, step.vf)
            elif isinstance(step, act.Attach) and not seen.guard and pair.guard is not GuardMode.OFF:
                _check_xdp(session, nic)
        except NetvscBpfError as error:
            errors.append(error)
    return errors


def _check_xdp(session: Session, nic: Nic) -> None:
    if nic.xdp_prog_id is not None and guard_link(session, nic.ifindex) is None:
        raise xdp.taken(nic.name)


def _programs(session: Session, loaded: LoadedObject | None, pairs: Sequence[PairPreview]) -> Programs:
    if loaded is None:
        return Programs.LOAD if any(one.forecast.steps for one in pairs) else Programs.KEEP
    stale = pins.upgrades(session.pins) or is_of_another_build(loaded) or loaded.lost_sentinel
    return Programs.REPLACE if stale else Programs.KEEP


def _ifindexes(session: Session) -> list[int]:
    return [nic.ifindex for nic in session.nics]
