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
 * Is the VF of an armed pair still there, and are we? On the rung `fentry` the sentinel has seen either go, or leave for
 * another network namespace, before it was gone (sentinel.c, release_synthetic()), so armed says it all. Elsewhere the
 * DEVMAP, whose entries go with the devices, has to be asked: a synthetic NIC that was moved to another network namespace
 * has taken steer along, and another NIC is there by the VF's number.
 */
static __always_inline bool still_carries(struct pair *pair, u32 slot)
{
	enum reason reason = REASON_NONE;

	if (RUNG == LIVENESS_FENTRY)
		return true;
	if (unlikely(!both_present(slot)))
		reason = REASON_VF_GONE;
	else if (RUNG == LIVENESS_LIVE)
		reason = why_unusable(device_state(pair->vf_dev));
	if (likely(!reason))
		return true;
	latch_leave(pair, reason);
	return false;
}

static __always_inline void count_tx(struct __sk_buff *skb, enum pair_path path)
{
	count(&own_counters(this_cpu())->tx[path], skb->len);
}

int steer(struct __sk_buff *skb)
{
	struct pair *pair = own_pair();

	/* In another network namespace we may have another number, or the same. */
	if (unlikely(skb->ifindex != pair->synthetic_ifindex))
		return TC_ACT_UNSPEC;

	/* On the rung `netlink` userspace alone arms: nobody here could see the VF die again. */
	if ((likely(pair->armed) && still_carries(pair, own_slot())) ||
	    (RUNG != LIVENESS_NETLINK && latch_return(pair, own_slot()))) {
		count_tx(skb, PATH_VF);
		return bpf_redirect(pair->vf_ifindex, 0);
	}
	count_tx(skb, PATH_SYNTHETIC);
	return TC_ACT_UNSPEC;
}
