// SPDX-License-Identifier: GPL-2.0-only
/*
 * steer: tc egress on the synthetic NIC. Sends each packet to the VF while the pair is armed, and lets it go on to
 * the synthetic NIC's own queue otherwise.
 *
 * How it knows that the VF lives depends on the rung that it is compiled for, the best one that the kernel allows.
 * Written so that the armed path is one straight line: it is paid for by every packet.
 */
#include "abi.h"
#include "device.h"
#include "latch.h"
#include "maps.h"

/*
 * Is the VF of an armed pair still there? On the rung `fentry` the sentinel has seen it go, unregistering included, before
 * it was gone, so armed says it all. Elsewhere the DEVMAP, whose entries go with the devices, has to be asked: a
 * synthetic NIC that was moved to another network namespace has taken steer along, and no VF is there by that ifindex.
 */
static __always_inline bool still_carries(struct pair *pair, u32 slot)
{
	enum reason reason = REASON_NONE;

	if (RUNG == LIVENESS_FENTRY)
		return true;
	if (unlikely(!both_here(slot)))
		reason = REASON_VF_GONE;
	else if (RUNG == LIVENESS_LIVE)
		reason = why_unusable(device_state(pair->vf_dev));
	if (likely(!reason))
		return true;
	latch_leave(pair, reason);
	return false;
}

static __always_inline void count_tx(struct __sk_buff *skb, u32 slot, enum pair_path path)
{
	count(&counters_at(this_cpu(), slot)->tx[path], skb->len);
}

int steer(struct __sk_buff *skb)
{
	struct pair *pair;
	u32 slot;

	pair = pair_of(skb->ifindex, &slot);
	if (!pair)
		return TC_ACT_UNSPEC;

	/* On the rung `netlink` userspace alone arms: nobody here could see the VF die again. */
	if ((likely(pair->armed) && still_carries(pair, slot)) ||
	    (RUNG != LIVENESS_NETLINK && latch_return(pair, slot))) {
		count_tx(skb, slot, PATH_VF);
		return bpf_redirect(pair->vf_ifindex, 0);
	}
	count_tx(skb, slot, PATH_SYNTHETIC);
	return TC_ACT_UNSPEC;
}
