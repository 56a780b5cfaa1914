// SPDX-License-Identifier: GPL-2.0-only
/*
 * control: changes a pair on behalf of userspace, which runs it with BPF_PROG_TEST_RUN. It is never attached. Each
 * change is made with the same atomic steps that the other programs use while packets flow (latch.h).
 */
#include "abi.h"
#include "device.h"
#include "latch.h"
#include "maps.h"

static __always_inline enum control_result check(struct pair *pair, u32 slot)
{
	if (pair->armed || (RUNG != LIVENESS_NETLINK && latch_return(pair, slot)))
		return CONTROL_VF;
	return CONTROL_SYNTHETIC;
}

/*
 * Find the struct net_device of a DEVMAP entry, on the levels where programs read devices. This also verifies the
 * offsets taken from BTF: they must lead to the device that the DEVMAP names.
 */
static __always_inline bool resolve_device(u32 *entry, u64 *dev)
{
	if (RUNG == LIVENESS_NETLINK)
		return true;
	*dev = device_of(entry);
	return *dev && device_ifindex(*dev) == *entry;
}

/* Store the devices by address for the sentinel: an ifindex is valid in its own network namespace only. */
static __always_inline enum control_result set_home(struct pair *pair, u32 slot, u32 vf, u32 to)
{
	u32 *entry = vf_at(slot), *synthetic = synthetic_at(slot);
	u64 dev = 0, synthetic_dev = 0;

	pair->home_ifindex = 0;
	pair->settled_ifindex = 0;
	if (!vf)
		return pair->armed ? CONTROL_VF : CONTROL_SYNTHETIC;
	if (!entry || *entry != vf)
		return CONTROL_NO_VF;
	if (!synthetic)
		return CONTROL_NO_PAIR;
	if (!resolve_device(entry, &dev) || !resolve_device(synthetic, &synthetic_dev))
		return CONTROL_BAD_LAYOUT;
	pair->home_dev = dev;
	pair->synthetic_dev = synthetic_dev;
	pair->redirect_to = to;
	pair->home_ifindex = vf;
	return pair->armed ? CONTROL_VF : CONTROL_SYNTHETIC;
}

/* An expired drain ends with the next permission, not earlier: the VF may be down because of the drain. */
static __always_inline bool is_drained(struct pair *pair)
{
	if (likely(!pair->drained_until))
		return false;
	if (pair->drained_until == DRAINED_INDEFINITELY)
		return true;
	return bpf_ktime_get_boot_ns() < pair->drained_until;
}

static __always_inline enum control_result permit(struct pair *pair, u32 slot, u64 settle_ns)
{
	u32 *vf = vf_at(slot), *synthetic = synthetic_at(slot);
	u64 dev = 0, synthetic_dev = 0;

	if (is_drained(pair)) {
		pair->settle_ns = settle_ns; /* for after the drain */
		return CONTROL_DRAINED;
	}
	if (pair->returns == RETURN_PENDING) {
		pair->settle_ns = settle_ns; /* for after its return was allowed */
		return CONTROL_PENDING;
	}
	if (!vf)
		return CONTROL_NO_VF;
	if (!synthetic)
		return CONTROL_NO_PAIR; /* removed, or moved to another network namespace */
	if (!resolve_device(vf, &dev) || !resolve_device(synthetic, &synthetic_dev))
		return CONTROL_BAD_LAYOUT;
	pair->synthetic_dev = synthetic_dev;
	pair->settle_ns = settle_ns;
	if (pair->permitted && pair->vf_dev == dev && pair->vf_ifindex == *vf)
		return pair->armed ? CONTROL_VF : CONTROL_SYNTHETIC;
	pair->drained_until = 0;
	pair->vf_ifindex = *vf;
	pair->vf_dev = dev; /* permit-1 */
	pair->held = 0; /* permit-2 */
	latch_invalidate(pair);
	pair->permitted = 1; /* permit-3 */
	return check(pair, slot); /* the first check starts the settle time */
}

static __always_inline enum control_result withdraw(struct pair *pair, enum reason reason)
{
	pair->permitted = 0; /* withdraw-1 */
	latch_leave(pair, reason);
	pair->vf_dev = 0; /* withdraw-2 */
	pair->reason = reason;
	return CONTROL_SYNTHETIC;
}

/* From here on the pair is not permitted, so nothing arms it: neither a packet nor CONTROL_CHECK or CONTROL_ARM. */
static __always_inline enum control_result drain(struct pair *pair, u64 until)
{
	pair->drained_until = until;
	if (until)
		return withdraw(pair, REASON_DRAINED);
	if (pair->reason == REASON_DRAINED && !pair->permitted)
		pair->reason = REASON_NOT_PERMITTED;
	return pair->armed ? CONTROL_VF : CONTROL_SYNTHETIC;
}

/* The sentinel notices devices that are added later; on the other levels steer notes the source of each frame. */
static __always_inline void set_facts(struct pair *pair, u64 facts)
{
	pair->facts = facts;
	pair->settled_ifindex = 0;
	pair->plain_ifindex =
		RUNG == LIVENESS_FENTRY && !(facts & FACT_SENDERS) ? pair->synthetic_ifindex : 0;
}

int control(struct __sk_buff *skb)
{
	u32 command = skb->cb[0], slot = skb->cb[1];
	u64 argument = (u64)skb->cb[3] << 32 | skb->cb[2];
	struct pair *pair = pair_at(slot);

	if (slot >= NIC_SLOTS || !pair->synthetic_ifindex)
		return CONTROL_NO_PAIR;

	switch (command) {
	case CONTROL_PERMIT:
		return permit(pair, slot, argument);
	case CONTROL_WITHDRAW:
		return withdraw(pair, argument % REASON_COUNT);
	case CONTROL_CHECK:
		return check(pair, slot);
	case CONTROL_ARM:
		/* command-1, command-2 */
		return pair->permitted && latch_arm(pair, latch_failures(pair)) ? CONTROL_VF :
										  CONTROL_SYNTHETIC;
	case CONTROL_DISARM:
		latch_leave(pair, argument % REASON_COUNT);
		return CONTROL_SYNTHETIC;
	case CONTROL_GUARD:
		pair->guard = argument;
		pair->settled_ifindex = 0;
		return pair->armed ? CONTROL_VF : CONTROL_SYNTHETIC;
	case CONTROL_HOME:
		return set_home(pair, slot, argument, argument >> 32);
	case CONTROL_DRAIN:
		return drain(pair, argument);
	case CONTROL_ADDRESS:
		pair->address = argument;
		return pair->armed ? CONTROL_VF : CONTROL_SYNTHETIC;
	case CONTROL_FACTS:
		set_facts(pair, argument);
		return pair->armed ? CONTROL_VF : CONTROL_SYNTHETIC;
	case CONTROL_RETURN:
		pair->returns = argument == RETURN_MANUAL ? RETURN_MANUAL : RETURN_AUTO;
		return pair->armed ? CONTROL_VF : CONTROL_SYNTHETIC;
	}
	return CONTROL_BAD_COMMAND;
}
