# SPDX-License-Identifier: GPL-2.0-only
"""Mutations of userspace: the order of steps, and checks that must not be missing."""

from tests.mutation.mutation import Mutation

_ORDER = ("tests/unit/datapath/test_order.py",)
_DRAINING = ("tests/unit/datapath/test_drain_pair.py",)
_DUMPS = ("tests/unit/kernel/net/test_dumps.py",)
_PROBE = ("tests/unit/planner/test_probe_day.py",)
_PLAN = ("tests/unit/planner/test_plan.py",)
_DAMPING = ("tests/unit/planner/test_damping.py",)
_LOST_LINK = ("tests/unit/planner/test_lost_link.py",)
_RECEIVED = ("tests/unit/datapath/test_received_traffic.py",)
_OFFLOADS = ("tests/unit/datapath/test_follow_offloads.py",)
_SETTINGS = ("tests/unit/datapath/test_vf_settings.py",)
_FLAPS = ("tests/unit/planner/test_flaps.py",)
_TURN = ("tests/unit/manager/namespaces/test_turn_order.py",)
_DEFERRABLE = ("tests/unit/manager/namespaces/test_deferrable_work.py",)
_LOST_LINK = ("tests/unit/planner/test_lost_link.py",)
_ANNOUNCED = ("tests/unit/kernel/net/test_announced_devices.py",)
_STATIONS = ("tests/unit/kernel/net/test_announced_stations.py",)
_LAST_ROUNDS = ("tests/unit/manager/sync/test_last_rounds.py",)
_ANNOUNCER = ("tests/unit/manager/sync/test_announcer.py",)
_DETACHED = ("tests/unit/manager/watch/test_detached_links.py",)
_REMOVALS = ("tests/unit/planner/test_removals.py",)
_UNHURRIED = ("tests/unit/manager/state/test_deferred_steps.py",)

_HOME_OFF = (
    "        if vf is not None:\n            down.step(home_hook.detach, session, hook, found, vf, ifindex)\n"
)
_WITHDRAW = "        down.step(loaded.control, ControlCommand.WITHDRAW, slot, abi.REASONS.index(reason))\n"

JOINING = (
    Mutation(
        "home is detached before the permission is withdrawn",
        "netvsc_bpf/datapath/join.py",
        _WITHDRAW + _HOME_OFF,
        _HOME_OFF + _WITHDRAW,
        _ORDER,
    ),
    Mutation(
        "the permission of a VF that leaves is not withdrawn",
        "netvsc_bpf/datapath/join.py",
        _WITHDRAW,
        "",
        _ORDER,
    ),
    Mutation(
        "the record of the original settings is deleted first",
        "netvsc_bpf/datapath/join.py",
        _WITHDRAW,
        "        down.step(_forget, loaded, found, vf, slot)\n" + _WITHDRAW,
        _ORDER,
    ),
    Mutation(
        "the VF leaves the DEVMAP before it is put back",
        "netvsc_bpf/datapath/join.py",
        _WITHDRAW,
        "        down.step(loaded.clear_vf, slot)\n" + _WITHDRAW,
        _ORDER,
    ),
    Mutation(
        "the VF comes up before home is attached",
        "netvsc_bpf/datapath/join.py",
        "    vf_settings.share_gso_limits(session.rtnl, synthetic, vf)\n",
        "    vf_settings.follow_up(session.rtnl, found, vf, synthetic.up, None, int)\n"
        "    vf_settings.share_gso_limits(session.rtnl, synthetic, vf)\n",
        _ORDER,
    ),
    Mutation(
        "a VF that cannot take the MTU stays permitted",
        "netvsc_bpf/datapath/join.py",
        "        loaded.control(ControlCommand.WITHDRAW, slot, abi.REASONS.index(denied))\n",
        "",
        _ORDER,
    ),
    Mutation(
        "a permission that was refused for its offsets is taken for one",
        "netvsc_bpf/datapath/join.py",
        "if result is ControlResult.BAD_LAYOUT:",
        "if False:",
        _ORDER,
    ),
    Mutation(
        "a permission of a NIC that is gone is taken for one",
        "netvsc_bpf/datapath/join.py",
        "if result in (ControlResult.NO_VF, ControlResult.NO_PAIR):",
        "if False:",
        _ORDER,
    ),
)

OFFLOADS = (
    Mutation(
        "an offload of the VF is changed before its original value is recorded",
        "netvsc_bpf/datapath/follow_offloads.py",
        "        found.vf_offloads = record(before)\n        note()\n",
        "        found.vf_offloads = record(before)\n",
        _OFFLOADS,
    ),
    Mutation(
        "the VF keeps the offloads of its synthetic NIC",
        "netvsc_bpf/datapath/vf_settings.py",
        "            down.step(follow_offloads.restore, found, Half(vf.ifindex, vf.name))\n",
        "",
        _SETTINGS,
    ),
    Mutation(
        "LRO of a VF stays on where packets are forwarded",
        "netvsc_bpf/planner/receive_offloads.py",
        "return concerns and forwards()",
        "return False",
        ("tests/unit/planner/test_receive_offloads.py",),
    ),
    Mutation(
        "LRO that guard in generic mode has switched off is taken from the VF too",
        "netvsc_bpf/datapath/follow_offloads.py",
        "if lro.available and not lro.active:",
        "if False:",
        _OFFLOADS,
    ),
)

DRAINING = (
    Mutation(
        "the time of a drain is ignored",
        "netvsc_bpf/datapath/drain_pair.py",
        "abi.DRAINED_INDEFINITELY if for_s is None else now + round(for_s * 1e9)",
        "abi.DRAINED_INDEFINITELY",
        _DRAINING,
    ),
    Mutation(
        "a VF is used again without settling",
        "netvsc_bpf/datapath/drain_pair.py",
        "permit(loaded, slot, state.settle_ns // 1_000_000 or DEFAULT_SETTLE_MS, vf)",
        "permit(loaded, slot, 0, vf)",
        _DRAINING,
    ),
    Mutation(
        "a VF that is not in sync is permitted after a drain",
        "netvsc_bpf/datapath/drain_pair.py",
        "    if not fits or found.denied:",
        "    if found.denied:",
        _DRAINING,
    ),
    Mutation(
        "a VF is taken down though the pair is not drained any more",
        "netvsc_bpf/datapath/drain_pair.py",
        "    if drained is None or vf is None or not (vf.up and target.synthetic.up):",
        "    if vf is None or not (vf.up and target.synthetic.up):",
        _DRAINING,
    ),
    Mutation(
        "a VF that was taken down externally is brought up after a drain",
        "netvsc_bpf/datapath/drain_pair.py",
        " and abi.REASONS[found.taken_down] in drains.RETURNING",
        "",
        _DRAINING,
    ),
)

KERNEL = (
    Mutation(
        "a dump that was disturbed is taken for whole",
        "netvsc_bpf/kernel/net/rtnetlink.py",
        "disturbed = disturbed or bool(flags & _NLM_F_DUMP_INTR)",
        "disturbed = False",
        _DUMPS,
    ),
    Mutation(
        "a dump that has to be whole may be a disturbed one",
        "netvsc_bpf/kernel/net/rtnetlink.py",
        "        if whole:\n            raise",
        "        if False:\n            raise",
        _DUMPS,
    ),
    Mutation(
        "a disturbed dump is given up at once",
        "netvsc_bpf/kernel/net/rtnetlink.py",
        "_DUMP_ATTEMPTS = 5",
        "_DUMP_ATTEMPTS = 1",
        _DUMPS,
    ),
)

PLANNER = (
    Mutation(
        "the permission is withdrawn last",
        "netvsc_bpf/planner/plan.py",
        "[*_withdrawal(seen, wanted), *steps]",
        "[*steps, *_withdrawal(seen, wanted)]",
        _PLAN,
    ),
    Mutation(
        "a VF without home may be permitted",
        "netvsc_bpf/planner/plan.py",
        "if not joined.home or vf.mac != synthetic.mac",
        "if vf.mac != synthetic.mac",
        _PLAN,
    ),
    Mutation(
        "a VF with another MTU may be permitted",
        "netvsc_bpf/planner/plan.py",
        " or vf.mtu != synthetic.mtu:",
        ":",
        _PLAN,
    ),
    Mutation(
        "a VF is permitted while its synthetic NIC is down",
        "netvsc_bpf/planner/plan.py",
        "    if not synthetic.up:\n        return Reason.SYNTHETIC_DOWN\n",
        "",
        _PLAN,
    ),
    Mutation(
        "a damped VF is permitted",
        "netvsc_bpf/planner/plan.py",
        "    if wanted.damped:\n        return Reason.DAMPED\n",
        "",
        _PLAN,
    ),
    Mutation(
        "a drained VF is permitted",
        "netvsc_bpf/planner/plan.py",
        "    if seen.drained is not None:\n        return Reason.DRAINED\n    if seen.pending and",
        "    if seen.pending and",
        _PLAN,
    ),
    Mutation(
        "a drained VF is taken down before what is on its way has arrived",
        "netvsc_bpf/planner/plan.py",
        " or (down is Reason.DRAINED and wanted.lingers)",
        "",
        _PLAN,
    ),
    Mutation(
        "a VF that joins a drained pair is brought up",
        "netvsc_bpf/planner/plan.py",
        "    if seen.drained is not None:\n        return Reason.DRAINED\n    if seen.pending:",
        "    if seen.pending:",
        _PLAN,
    ),
    Mutation(
        "a VF that has to wait for an operator is permitted",
        "netvsc_bpf/planner/plan.py",
        "    if seen.pending and wanted.returns is ReturnPolicy.MANUAL:\n        return Reason.MANUAL\n",
        "",
        _PLAN,
    ),
    Mutation(
        "a VF that joins a pair that waits for an operator is brought up",
        "netvsc_bpf/planner/plan.py",
        "    if seen.pending:\n        return Reason.MANUAL\n",
        "",
        _PLAN,
    ),
    Mutation(
        "targets that are dead on both paths cost a penalty",
        "netvsc_bpf/planner/probe.py",
        "on_trial=False), Verdict.PROVED_NOTHING",
        "on_trial=False), Verdict.AT_FAULT",
        _PROBE,
    ),
    Mutation(
        "a target that is dead on both paths stays proven",
        "netvsc_bpf/planner/probe.py",
        "replace(state, proven=frozenset(), refuted=state.refuted | state.proven)",
        "state",
        _PROBE,
    ),
    Mutation(
        "a VF that was at fault does not have to prove itself",
        "netvsc_bpf/planner/probe.py",
        "check=None, on_trial=True, slow",
        "check=None, on_trial=False, slow",
        _PROBE,
    ),
    Mutation(
        "what comes in replaces questions although something is sent",
        "netvsc_bpf/planner/probe.py",
        " and sent <= self.own",
        "",
        _PROBE,
    ),
    Mutation(
        "a late answer by the VF counts as one by the synthetic path",
        "netvsc_bpf/planner/probe.py",
        "if now.quiet < policy.missed and",
        "if False and",
        _PROBE,
    ),
    Mutation(
        "a penalty has no ceiling",
        "netvsc_bpf/planner/damping.py",
        "figure = min(self.policy.ceiling, settled.figure + penalty)",
        "figure = settled.figure + penalty",
        _DAMPING,
    ),
    Mutation(
        "a VF is damped from one threshold to the same one",
        "netvsc_bpf/planner/damping.py",
        "suppressed = self.suppressed and figure > self.policy.reuse",
        "suppressed = self.suppressed and figure > self.policy.suppress",
        _DAMPING,
    ),
    Mutation(
        "the failures of a VF that is not used do not count",
        "netvsc_bpf/planner/flaps.py",
        "    return vf if failed else None",
        "    return None",
        _FLAPS,
    ),
)

LOOP = (
    Mutation(
        "a step that is not urgent is never deferred",
        "netvsc_bpf/manager/namespaces/deferrable_work.py",
        "self._is_time = self._has_time(now)",
        "self._is_time = True",
        _TURN,
    ),
    Mutation(
        "a step that is not urgent is deferred for ever",
        "netvsc_bpf/manager/namespaces/deferrable_work.py",
        "not self._has_step(now) and (self._overdue or not self.woken())",
        "not self._has_step(now) and not self.woken()",
        _TURN,
    ),
    Mutation(
        "what may wait goes before a VF whose link is lost",
        "netvsc_bpf/manager/namespaces/deferrable_work.py",
        "not self._has_step(now) and (self._overdue or not self.woken())",
        "self._overdue or not self.woken()",
        _DEFERRABLE,
    ),
    Mutation(
        "the grace of a lost link begins when that is observed",
        "netvsc_bpf/planner/lost_link.py",
        "return replace(self, without_since=since, had_link=True)",
        "return self",
        _LOST_LINK,
    ),
    Mutation(
        "waiting times count from the end of the turn",
        "netvsc_bpf/manager/namespaces/namespace_manager.py",
        "at = min(loop.time() + wait_s, math.inf if at is None else at)",
        "at = wait_s",
        _TURN,
    ),
    Mutation(
        "home's link takes RTNL from a VF that is about to be used",
        "netvsc_bpf/manager/state/deferred_steps.py",
        "soon = expected and self._now < ends",
        "soon = False",
        _UNHURRIED,
    ),
    Mutation(
        "home's link is put off for ever by others",
        "netvsc_bpf/manager/state/deferred_steps.py",
        "if self._now - since < PATIENCE_S:",
        "if True:",
        _UNHURRIED,
    ),
)

HYPERV = (
    Mutation(
        "a VF that was taken down externally is brought up when its home is put back",
        "netvsc_bpf/datapath/join.py",
        "    if stays_down:\n",
        "    if False:\n",
        _ORDER,
    ),
    Mutation(
        "a VF whose joining was interrupted stays down",
        "netvsc_bpf/datapath/join.py",
        "bool(found.followed_mtu and found.followed_up)",
        "bool(found.followed_up)",
        _ORDER,
    ),
    Mutation(
        "a VF that hv_netvsc was about to open is down after detach",
        "netvsc_bpf/datapath/vf_settings.py",
        "found.vf_up = synthetic.up if taken_over else vf.up",
        "found.vf_up = vf.up",
        _SETTINGS,
    ),
    Mutation(
        "a VF that comes up has no time to find its link",
        "netvsc_bpf/planner/lost_link.py",
        "        if self.had_link:\n            return GRACE_S\n",
        "        if self:\n            return GRACE_S\n",
        _LOST_LINK,
    ),
    Mutation(
        "a counter that started again counts from its old value on",
        "netvsc_bpf/datapath/received_traffic.py",
        "return now - before if now >= before else now",
        "return max(0, now - before)",
        _RECEIVED,
    ),
)

ANNOUNCING = (
    Mutation(
        "a virtual router that is switched off by protodown is announced",
        "netvsc_bpf/kernel/net/announced_devices.py",
        " and not link.proto_down",
        "",
        _ANNOUNCED,
    ),
    Mutation(
        "an interface with a mere link-local address is announced",
        "netvsc_bpf/kernel/net/announced_devices.py",
        "isinstance(address, IPv4Address) or not address.is_link_local",
        "True",
        _ANNOUNCED,
    ),
    Mutation(
        "stations of the fabric are announced as if they were behind the bridge",
        "netvsc_bpf/kernel/net/announced_stations.py",
        "    not_behind = {*towards, where.bridge.ifindex}\n",
        "    not_behind = {where.bridge.ifindex}\n",
        _STATIONS,
    ),
    Mutation(
        "a visible virtual router without address is announced as a hidden one",
        "netvsc_bpf/kernel/net/announced_stations.py",
        "    known = {device.link.mac for device in stack.devices}\n",
        "    known = set[bytes]()\n",
        _STATIONS,
    ),
    Mutation(
        "addresses are claimed at once, though they may be gone",
        "netvsc_bpf/manager/sync/last_rounds.py",
        "if not one.claims and (trusted",
        "if (trusted",
        _LAST_ROUNDS,
    ),
    Mutation(
        "lost messages count as no change",
        "netvsc_bpf/manager/sync/last_rounds.py",
        "return not changes.lost and one.station not in changes.macs",
        "return one.station not in changes.macs",
        _LAST_ROUNDS,
    ),
    Mutation(
        "a change that was announced at once is announced as a new one",
        "netvsc_bpf/manager/sync/announcer.py",
        "            self._standing[pair] = AnnouncedState(changed_at)\n",
        "",
        _ANNOUNCER,
    ),
    Mutation(
        "the loop waits for RTNL when it looks at links",
        "netvsc_bpf/manager/watch/attachment_looks.py",
        "await loop.run_in_executor(thread, self._look, found)",
        "self._look(found)",
        _DETACHED,
    ),
)

REMOVALS = (
    Mutation(
        "a removal counts as a failure",
        "netvsc_bpf/planner/damping.py",
        "FAILURES = LOSSES - {Reason.VF_GONE}",
        "FAILURES = LOSSES",
        ("tests/unit/manager/events/test_kinds.py",),
    ),
    Mutation(
        "a failure that was the beginning of a removal stays",
        "netvsc_bpf/planner/removals.py",
        "        return replace(gone, damper=self.without.with_policy(self.damper.policy).decayed(now))\n",
        "        return gone\n",
        _REMOVALS,
    ),
    Mutation(
        "a VF that fails and recovers is forgiven when it is removed",
        "netvsc_bpf/planner/removals.py",
        "return replace(self, last_vf=0, without=None) if vf == self.last_vf else self",
        "return self",
        _REMOVALS,
    ),
    Mutation(
        "a failure is forgiven when the VF is removed, however much later",
        "netvsc_bpf/planner/removals.py",
        " or now - self.last_at > SOON_S:",
        ":",
        _REMOVALS,
    ),
    Mutation(
        "a failure that is reported after the removal stays",
        "netvsc_bpf/planner/removals.py",
        "        if vf == self.gone_vf and self.gone_at - when <= SOON_S:\n            return self\n",
        "",
        _REMOVALS,
    ),
    Mutation(
        "a VF that was released counts as removed",
        "netvsc_bpf/planner/removals.py",
        "return vf if now.left_behind else None",
        "return vf",
        _REMOVALS,
    ),
)

PYTHON = (*JOINING, *OFFLOADS, *DRAINING, *KERNEL, *PLANNER, *LOOP, *HYPERV, *ANNOUNCING, *REMOVALS)
