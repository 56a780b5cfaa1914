// SPDX-License-Identifier: GPL-2.0-only
/*
 * steer: tc egress on the synthetic NIC. Redirects each packet to the VF while the pair is armed, and otherwise
 * passes it on to the synthetic NIC's own queue.
 *
 * How it detects a dead VF depends on the fallback level that it is compiled for, the best one that the kernel
 * supports. The armed path is straight-line code, because every packet takes it.
 */
#include "abi.h"
#include "device.h"
#include "latch.h"
#include "maps.h"

/*
 * Whether both NICs of an armed pair are still in their network namespace, and the VF can carry traffic. On level
 * `fentry` the sentinel disarms before either unregisters or moves to another namespace (sentinel.c,
 * release_synthetic()), so `armed` is sufficient. On the other levels steer checks the DEVMAP, whose entries the
 * kernel deletes with the devices: a synthetic NIC that moved has taken steer along, and in that namespace another
 * NIC may have the VF's ifindex.
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

	/* After a move to another network namespace the NIC may have another ifindex, or the same. */
	if (unlikely(skb->ifindex != pair->synthetic_ifindex))
		return TC_ACT_UNSPEC;

	/* On level `netlink` only userspace arms: no program could detect that the VF fails again. */
	if ((likely(pair->armed) && still_carries(pair, own_slot())) ||
	    (RUNG != LIVENESS_NETLINK && latch_return(pair, own_slot()))) {
		count_tx(skb, PATH_VF);
		return bpf_redirect(pair->vf_ifindex, 0);
	}
	count_tx(skb, PATH_SYNTHETIC);
	return TC_ACT_UNSPEC;
}
