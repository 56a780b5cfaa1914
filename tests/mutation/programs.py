# SPDX-License-Identifier: GPL-2.0-only
"""Mutations of ebpf/: each removes or breaks one line that is needed."""

from tests.mutation.mutation import Mutation

_ORDERS = ("tests/unit/programs/test_orders.py",)
_EVIDENCE = ("tests/unit/programs/test_evidence.py",)
_PROGRAMS = ("tests/unit/programs/test_programs.py",)

LATCH = (
    Mutation(
        "arming does not read `failures` again",
        "ebpf/latch.h",
        "pair->failures == failures && pair->permitted",
        "pair->permitted",
        _ORDERS,
    ),
    Mutation(
        "arming does not ask for the permission again",
        "ebpf/latch.h",
        " && pair->permitted && !pair->held",
        " && !pair->held",
        _ORDERS,
    ),
    Mutation(
        "arming does not ask again whether it is held",
        "ebpf/latch.h",
        " && pair->permitted && !pair->held",
        " && pair->permitted",
        _ORDERS,
    ),
    Mutation(
        "leaving disarms before it raises `failures`",
        "ebpf/latch.h",
        "	latch_invalidate(pair);\n	if (!__sync_lock_test_and_set(&pair->armed, 0))",
        "	u64 was = __sync_lock_test_and_set(&pair->armed, 0);\n\n"
        "	latch_invalidate(pair);\n	if (!was)",
        _ORDERS,
    ),
    Mutation(
        "leaving does not raise `failures`",
        "ebpf/latch.h",
        "	__sync_fetch_and_add(&pair->failures, 1); /* leave-2 */\n",
        "",
        _ORDERS,
    ),
    Mutation(
        "leaving does not forget since when the VF was usable",
        "ebpf/latch.h",
        "	pair->usable_since = 0; /* leave-1 */\n",
        "",
        _PROGRAMS,
    ),
    Mutation(
        "leaving twice is reported twice",
        "ebpf/latch.h",
        "	if (!__sync_lock_test_and_set(&pair->armed, 0)) /* leave-3 */\n		return;\n",
        "	__sync_lock_test_and_set(&pair->armed, 0);\n",
        _PROGRAMS,
    ),
    Mutation(
        "a check reads `failures` after it has checked",
        "ebpf/latch.h",
        "return latch_arm(pair, failures);",
        "return latch_arm(pair, pair->failures);",
        _ORDERS,
    ),
    Mutation(
        "a look does not ask whether it is held",
        "ebpf/latch.h",
        "pair->held || !usable_again",
        "!usable_again",
        _PROGRAMS,
    ),
    Mutation(
        "a look does not ask for the permission",
        "ebpf/latch.h",
        "	if (!pair->permitted || pair->returns == RETURN_PENDING) /* return-3, return-9 */",
        "	if (pair->returns == RETURN_PENDING)",
        _PROGRAMS,
    ),
    Mutation(
        "a look does not ask whether an operator has to allow the return",
        "ebpf/latch.h",
        "	if (!pair->permitted || pair->returns == RETURN_PENDING) /* return-3, return-9 */",
        "	if (!pair->permitted)",
        _PROGRAMS,
    ),
    Mutation(
        "arming does not ask whether an operator has to allow the return",
        "ebpf/latch.h",
        " && !pair->held &&\n	    pair->returns != RETURN_PENDING)",
        " && !pair->held)",
        _ORDERS,
    ),
    Mutation(
        "a failure with the return policy manual leaves what is armed meanwhile",
        "ebpf/latch.h",
        "	if (__sync_lock_test_and_set(&pair->armed, 0)) /* leave-6 */\n"
        "		latch_report(pair, PATH_SYNTHETIC, REASON_MANUAL);\n",
        "",
        _ORDERS,
    ),
    Mutation(
        "every leaving waits for an operator, not only a failure",
        "ebpf/latch.h",
        " && LOSSES >> reason & 1)",
        ")",
        _PROGRAMS,
    ),
    Mutation(
        "a permission returns to a VF that an operator has to allow",
        "ebpf/control.c",
        "	if (pair->returns == RETURN_PENDING) {",
        "	if (false) {",
        _PROGRAMS,
    ),
    Mutation(
        "a look that finds the VF unusable does not forget that it was usable",
        "ebpf/latch.h",
        "		pair->usable_since = 0; /* return-8 */\n",
        "",
        _PROGRAMS,
    ),
    Mutation(
        "a look does not ask whether the devices are here",
        "ebpf/latch.h",
        "!dev || !both_present(slot)",
        "!dev",
        _PROGRAMS,
    ),
    Mutation(
        "the settle time is longer than permitted",
        "ebpf/latch.h",
        "(s64)(now - since) < (s64)pair->settle_ns",
        "(s64)(now - since) <= (s64)pair->settle_ns",
        _PROGRAMS,
    ),
    Mutation(
        "a later time of another CPU counts as long ago",
        "ebpf/latch.h",
        "(s64)(now - since) < (s64)pair->settle_ns",
        "now - since < pair->settle_ns",
        _PROGRAMS,
    ),
    Mutation(
        "a carrier that bounced is not seen",
        "ebpf/latch.h",
        "!since || pair->carrier_epoch != epoch",
        "!since",
        _PROGRAMS,
    ),
)

DRAINS = (
    Mutation(
        "a drained pair is permitted",
        "ebpf/control.c",
        "	if (is_drained(pair)) {",
        "	if (0) {",
        _PROGRAMS,
    ),
    Mutation(
        "a drain without a time ends by itself",
        "ebpf/control.c",
        "	if (pair->drained_until == DRAINED_INDEFINITELY)\n		return true;\n",
        "",
        _PROGRAMS,
    ),
    Mutation(
        "a drain whose time is over goes on",
        "ebpf/control.c",
        "	return bpf_ktime_get_boot_ns() < pair->drained_until;",
        "	return true;",
        _PROGRAMS,
    ),
    Mutation(
        "a permission leaves a drain behind that is over",
        "ebpf/control.c",
        "	pair->drained_until = 0;\n",
        "",
        _PROGRAMS,
    ),
    Mutation(
        "a drain keeps the permission",
        "ebpf/control.c",
        "	if (until)\n		return withdraw(pair, REASON_DRAINED);",
        "	if (until)\n		latch_leave(pair, REASON_DRAINED);",
        _PROGRAMS,
    ),
)

DEVICES = (
    Mutation(
        "PRESENT is not asked for",
        "ebpf/device.h",
        "wanted = 1 << LINK_STATE_START | 1 << LINK_STATE_PRESENT;",
        "wanted = 1 << LINK_STATE_START;",
        _PROGRAMS,
    ),
    Mutation(
        "START is not asked for",
        "ebpf/device.h",
        "wanted = 1 << LINK_STATE_START | 1 << LINK_STATE_PRESENT;",
        "wanted = 1 << LINK_STATE_PRESENT;",
        _PROGRAMS,
    ),
    Mutation(
        "the carrier is not asked for",
        "ebpf/device.h",
        "wanted | 1 << LINK_STATE_NOCARRIER;",
        "wanted;",
        _PROGRAMS,
    ),
    Mutation(
        "a carrier that linkwatch has not handled is believed",
        "ebpf/device.h",
        "return !why_unusable(state) && !(state & 1 << LINK_STATE_LINKWATCH_PENDING);",
        "return !why_unusable(state);",
        _PROGRAMS,
    ),
    Mutation(
        "a carrier that comes is no change of it",
        "ebpf/device.h",
        "return (u64)up + down;",
        "return down;",
        _PROGRAMS,
    ),
    Mutation(
        "another device in the memory of the VF is taken for it",
        "ebpf/device.h",
        "if (device_ifindex(dev) != pair->vf_ifindex)",
        "if (false)",
        _PROGRAMS,
    ),
    Mutation(
        "a device with the VF's number is taken for it",
        "ebpf/vf.h",
        "return pair->vf_dev == dev ? pair : NULL;",
        "return pair;",
        _PROGRAMS,
    ),
)

_LEAVE = "	leave_device((u64)dev, {reason});\n	return 0;\n}}\n"
_CARRIER, _DETACHED = (_LEAVE.format(reason=name) for name in ("REASON_NO_CARRIER", "REASON_VF_DETACHED"))
_NOTHING = "	return 0;\n}\n"


def _deaf(name: str, probe: str, function: str, body: str) -> Mutation:
    head = f"{probe}({function}, void *dev)\n{{\n"
    return Mutation(name, "ebpf/sentinel.c", head + body, head + _NOTHING, _ORDERS)


SENTINEL = (
    Mutation(
        "a VF that is going down is not held",
        "ebpf/sentinel.c",
        "		pair->held = 1;\n		latch_leave(pair, gone_or(dev, REASON_VF_DOWN));",
        "		latch_leave(pair, gone_or(dev, REASON_VF_DOWN));",
        _PROGRAMS,
    ),
    Mutation(
        "a VF that is closed because it is removed counts as one that failed, to the sentinel",
        "ebpf/sentinel.c",
        "latch_leave(pair, gone_or(dev, REASON_VF_DOWN));",
        "latch_leave(pair, REASON_VF_DOWN);",
        _PROGRAMS,
    ),
    Mutation(
        "a VF that is closed because it is removed counts as one that failed, to steer",
        "ebpf/steer.c",
        "		reason = gone_or(pair->vf_dev, reason);\n",
        "		;\n",
        _PROGRAMS,
    ),
    Mutation(
        "a VF that is closed because it is removed counts as one that failed, to guard",
        "ebpf/device.h",
        "return gone_or(dev, why_unusable(device_state(dev)));",
        "return why_unusable(device_state(dev));",
        _PROGRAMS,
    ),
    Mutation(
        "a VF that unregisters is not held",
        "ebpf/sentinel.c",
        "		pair->held = 1;\n		latch_leave(pair, REASON_VF_GONE);",
        "		latch_leave(pair, REASON_VF_GONE);",
        _PROGRAMS,
    ),
    Mutation(
        "a VF that came up stays held",
        "ebpf/sentinel.c",
        "		pair->held = 0; /* up-2 */\n",
        "",
        _PROGRAMS,
    ),
    Mutation(
        "a change of a device is not looked at",
        "ebpf/sentinel.c",
        "		if (reason)\n			latch_leave(pair, reason);\n",
        "",
        _PROGRAMS,
    ),
    Mutation(
        "the synthetic NIC goes and its VF stays permitted",
        "ebpf/sentinel.c",
        "	pair->permitted = 0;\n",
        "",
        _PROGRAMS,
    ),
    _deaf("a carrier is lost unseen at first", "KFUNC_PROBE", "netif_carrier_off", _CARRIER),
    _deaf("a carrier that is gone is not looked at", "KRETFUNC_PROBE", "netif_carrier_off", _CARRIER),
    _deaf("a device is detached unseen at first", "KFUNC_PROBE", "netif_device_detach", _DETACHED),
    _deaf("a device that is detached is not looked at", "KRETFUNC_PROBE", "netif_device_detach", _DETACHED),
    Mutation(
        "the watchdog does nothing",
        "ebpf/watchdog.c",
        "	leave_device(ctx->args[0], REASON_TX_TIMEOUT);\n",
        "",
        _PROGRAMS,
    ),
)

CONTROL = (
    Mutation(
        "a permission without the proof of the offsets",
        "ebpf/control.c",
        "return *dev && device_ifindex(*dev) == *entry;",
        "return *dev;",
        _PROGRAMS,
    ),
    Mutation(
        "a permission leaves the VF held",
        "ebpf/control.c",
        "	pair->held = 0; /* permit-2 */\n",
        "",
        _PROGRAMS,
    ),
    Mutation(
        "looks from before a permission count",
        "ebpf/control.c",
        "	latch_invalidate(pair);\n	pair->permitted = 1;",
        "	pair->usable_since = 0;\n	pair->permitted = 1;",
        _ORDERS,
    ),
    Mutation(
        "a permission is withdrawn from a path that stays",
        "ebpf/control.c",
        "	latch_leave(pair, reason);\n	pair->vf_dev = 0;",
        "	pair->vf_dev = 0;",
        _PROGRAMS,
    ),
    Mutation(
        "the path is left before the permission is withdrawn",
        "ebpf/control.c",
        "	pair->permitted = 0; /* withdraw-1 */\n	latch_leave(pair, reason);",
        "	latch_leave(pair, reason);\n	pair->permitted = 0;",
        _ORDERS,
    ),
    Mutation(
        "the reason of withdrawing a VF that was left already is not stored",
        "ebpf/control.c",
        "	pair->vf_dev = 0; /* withdraw-2 */\n	pair->reason = reason;\n",
        "	pair->vf_dev = 0;\n",
        _PROGRAMS,
    ),
)

FRAMES = (
    Mutation(
        "steer does not ask whether the devices are here",
        "ebpf/steer.c",
        "if (unlikely(!both_present(slot)))",
        "if (unlikely(false))",
        _PROGRAMS,
    ),
    Mutation(
        "steer does not look at the VF",
        "ebpf/steer.c",
        "reason = why_unusable(device_state(pair->vf_dev));",
        "reason = REASON_NONE;",
        _PROGRAMS,
    ),
    Mutation(
        "guard drops without a look at the VF",
        "ebpf/guard.c",
        "if (verdict == DROP && vf_still_carries(pair))",
        "if (verdict == DROP)",
        _PROGRAMS,
    ),
    Mutation(
        "frames are dropped on the active path",
        "ebpf/evidence.h",
        "\treturn active ? DELIVER : DROP;",
        "\treturn DROP;",
        _EVIDENCE,
    ),
    Mutation(
        "the modes drop on the active path",
        "ebpf/evidence.h",
        "return !active && is_assumed_copy(pair, frame, path) ? DROP : DELIVER;",
        "return is_assumed_copy(pair, frame, path) ? DROP : DELIVER;",
        _PROGRAMS,
    ),
    Mutation(
        "mode multicast drops unicast",
        "ebpf/evidence.h",
        "return frame->group || (pair->guard == GUARD_ALL && path == PATH_SYNTHETIC);",
        "return true;",
        _PROGRAMS,
    ),
    Mutation(
        "mode off drops",
        "ebpf/evidence.h",
        "pair->guard == GUARD_OFF || pair->facts & FACT_GUARD_MOVES",
        "pair->facts & FACT_GUARD_MOVES",
        _PROGRAMS,
    ),
    Mutation(
        "frames are dropped while guard is being attached",
        "ebpf/evidence.h",
        "pair->guard == GUARD_OFF || pair->facts & FACT_GUARD_MOVES",
        "pair->guard == GUARD_OFF",
        _EVIDENCE,
    ),
    Mutation(
        "own frames come back in",
        "ebpf/evidence.h",
        "\tif (!active && is_own(pair, frame->from))\n\t\treturn DROP;\n",
        "",
        _EVIDENCE,
    ),
    Mutation(
        "a sender is remembered for ever",
        "ebpf/evidence.h",
        "return !((word ^ hash) & ~0xffffULL) && within(word, SENDER_TICKS);",
        "return !((word ^ hash) & ~0xffffULL);",
        _EVIDENCE,
    ),
    Mutation(
        "senders whose MACs differ in the last byte share an entry",
        "ebpf/evidence.h",
        "->senders[HIGHEST_BITS(hash, EVIDENCE_SENDERS / WAYS) * WAYS];",
        "->senders[hash % (EVIDENCE_SENDERS / WAYS) * WAYS];",
        _EVIDENCE,
    ),
    Mutation(
        "one sender is noted over another that still sends",
        "ebpf/evidence.h",
        "(oldest & ~has)) % WAYS];",
        "(0 & ~has)) % WAYS];",
        _EVIDENCE,
    ),
    Mutation(
        "senders are not noted",
        "ebpf/steer.c",
        "\t\tnote_sender(mac_at(data + 6));",
        "\t\t;",
        _EVIDENCE,
    ),
    Mutation(
        "a device that is put on top is not noticed",
        "ebpf/sentinel.c",
        "\tif (pair && pair->synthetic_dev == dev)\n\t\tpair->plain_ifindex = 0;\n",
        "",
        _EVIDENCE,
    ),
    Mutation(
        "evidence of before a change of path counts",
        "ebpf/latch.h",
        "\t__sync_fetch_and_add(&pair->epoch, 1);\n",
        "",
        _EVIDENCE,
    ),
    Mutation(
        "home goes on without a comparison after a change of path",
        "ebpf/latch.h",
        "\tpair->settled_ifindex = 0;\n",
        "",
        _EVIDENCE,
    ),
    Mutation(
        "evidence is never void",
        "ebpf/evidence.h",
        "\tif (delivered == pair->delivered) {",
        "\tif (false) {",
        _EVIDENCE,
    ),
    Mutation(
        "evidence is void at the first look",
        "ebpf/evidence.h",
        "\tif (delivered == pair->delivered) {",
        "\tif (true) {",
        _EVIDENCE,
    ),
    Mutation(
        "a copy is one for ever",
        "ebpf/evidence.h",
        "\t\tahead &= if_less(now - (before >> 8), COPY_TICKS + 1);\n",
        "",
        _EVIDENCE,
    ),
    Mutation(
        "any frame is the copy of any other",
        "ebpf/evidence.h",
        "\t\ts64 ahead = (s8)before & if_zero((before ^ key) & ~0xffffffULL);",
        "\t\ts64 ahead = (s8)before;",
        _EVIDENCE,
    ),
    Mutation(
        "frames of a burst share one entry",
        "ebpf/evidence.h",
        "#define WAYS 4",
        "#define WAYS 1",
        _EVIDENCE,
    ),
    Mutation(
        "an entry is taken from a frame whose copy is still to come",
        "ebpf/evidence.h",
        "\t\tu64 over = if_zero(word & 0xff) | ",
        "\t\tu64 over = ~0ULL | ",
        _EVIDENCE,
    ),
    Mutation(
        "copies are counted by one path only",
        "ebpf/evidence.h",
        "\t\tif (path == PATH_SYNTHETIC)\n\t\t\tahead = -ahead;\n",
        "",
        _EVIDENCE,
    ),
    Mutation(
        "unicast of one VLAN is evidence for all",
        "ebpf/evidence.h",
        "station_hash(frame->to, frame->vlan)",
        "station_hash(frame->to, 0)",
        _EVIDENCE,
    ),
    Mutation(
        "a tag that guard cannot see is taken for none",
        "ebpf/guard.c",
        "pair->facts & FACT_TAGS_HIDDEN ? VLAN_UNKNOWN : 0;",
        "0;",
        _EVIDENCE,
    ),
    Mutation(
        "guard counts the first buffer of a frame only",
        "ebpf/guard.c",
        "frame_length(ctx)",
        "ctx->data_end - ctx->data",
        _PROGRAMS,
    ),
    Mutation(
        "guard in generic mode takes what home redirects for frames of its own NIC",
        "ebpf/guard.c",
        "	if (is_from_home(pair, data))\n		return XDP_PASS;\n",
        "",
        _EVIDENCE,
    ),
    Mutation(
        "home does not compare unicast for a guard in generic mode",
        "ebpf/home.c",
        "is_plain(pair, &frame) && !(pair->facts & FACT_GENERIC_XDP)",
        "is_plain(pair, &frame)",
        _EVIDENCE,
    ),
)

PLACES = (
    Mutation(
        "steer does not ask where it is",
        "ebpf/steer.c",
        "skb->ifindex != pair->synthetic_ifindex",
        "false",
        _PROGRAMS,
    ),
    Mutation(
        "home does not ask where it is",
        "ebpf/home.c",
        "skb->ingress_ifindex != pair->home_ifindex",
        "false",
        _PROGRAMS,
    ),
    Mutation(
        "home does not ask whether the devices are here",
        "ebpf/home.c",
        "return RUNG == LIVENESS_FENTRY || both_present(own_slot());",
        "return true;",
        _PROGRAMS,
    ),
    Mutation(
        "a VF that goes keeps its home",
        "ebpf/sentinel.c",
        "		pair->home_ifindex = 0;\n		pair->settled_ifindex = 0;\n	}\n",
        "		;\n	}\n",
        _PROGRAMS,
    ),
    Mutation(
        "guard does not ask where the VF is",
        "ebpf/guard.c",
        "device_net(pair->vf_dev) != device_net(pair->synthetic_dev)",
        "false",
        _PROGRAMS,
    ),
    Mutation(
        "a NIC with the number of another pair's ends that one's permission",
        "ebpf/sentinel.c",
        "if (!pair || pair->synthetic_dev != dev)",
        "if (!pair)",
        _PROGRAMS,
    ),
)

PROGRAMS = (*LATCH, *DRAINS, *DEVICES, *SENTINEL, *CONTROL, *FRAMES, *PLACES)
