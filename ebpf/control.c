// SPDX-License-Identifier: GPL-2.0-only
/*
 * control: never attached. Userspace runs it with BPF_PROG_TEST_RUN to change a pair while packets flow, so that each
 * change is made by the same atomic steps as the kernel's own (latch.h).
 */
#include "abi.h"
#include "device.h"
#include "latch.h"
#include "maps.h"

static __always_inline enum control_result look(struct pair *pair, u32 slot)
{
	if (pair->armed || (RUNG != LIVENESS_NETLINK && latch_return(pair, slot)))
		return CONTROL_VF;
	return CONTROL_SYNTHETIC;
}

static __always_inline enum control_result permit(struct pair *pair, u32 slot, u64 settle_ns)
{
	u32 *vf = vf_at(slot);
	u64 dev = 0;

	if (!vf)
		return CONTROL_NO_VF;
	if (RUNG != LIVENESS_NETLINK) {
		dev = device_of(vf);
		/* The offsets prove themselves: what they lead to must be the device that the DEVMAP names. */
		if (!dev || device_ifindex(dev) != *vf)
			return CONTROL_BAD_LAYOUT;
	}
	pair->settle_ns = settle_ns;
	if (pair->permitted && pair->vf_dev == dev && pair->vf_ifindex == *vf)
		return pair->armed ? CONTROL_VF : CONTROL_SYNTHETIC;
	pair->vf_ifindex = *vf;
	pair->vf_dev = dev; /* permit-1 */
	pair->held = 0; /* permit-2 */
	latch_forget(pair);
	pair->permitted = 1; /* permit-3 */
	return look(pair, slot); /* the first look starts the settle time */
}

static __always_inline enum control_result withdraw(struct pair *pair, enum reason reason)
{
	pair->permitted = 0; /* withdraw-1 */
	latch_leave(pair, reason);
	pair->vf_dev = 0; /* withdraw-2 */
	pair->reason = reason;
	return CONTROL_SYNTHETIC;
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
	case CONTROL_LOOK:
		return look(pair, slot);
	case CONTROL_ARM:
		/* told-1, told-2 */
		return pair->permitted && latch_arm(pair, latch_add(&pair->failures, 0)) ?
			       CONTROL_VF :
			       CONTROL_SYNTHETIC;
	case CONTROL_DISARM:
		latch_leave(pair, argument % REASON_COUNT);
		return CONTROL_SYNTHETIC;
	case CONTROL_GUARD:
		pair->guard = argument;
		return pair->armed ? CONTROL_VF : CONTROL_SYNTHETIC;
	}
	return CONTROL_BAD_COMMAND;
}
