// SPDX-License-Identifier: GPL-2.0-only
/*
 * steer: tc egress on the synthetic NIC. Sends each packet to the VF while the pair is armed, and lets it go on to
 * the synthetic NIC's own queue otherwise.
 *
 * There is one variant for each way of knowing that the VF lives; the loader picks the best one that the kernel allows.
 */
#include "abi.h"
#include "device.h"
#include "latch.h"
#include "maps.h"

static __always_inline int steer(struct __sk_buff *skb, enum liveness liveness)
{
	struct counters *counters;
	struct pair *pair;
	enum pair_path path = PATH_SYNTHETIC;
	enum reason reason;
	u32 *vf = NULL;
	u32 slot;

	pair = pair_of(skb->ifindex, &slot);
	if (!pair)
		return TC_ACT_UNSPEC;

	/* On the rung `netlink` userspace alone arms: nobody here could see the VF die again. */
	if (likely(pair->armed) || (liveness != LIVENESS_NETLINK && latch_return(pair, slot))) {
		vf = vf_at(slot);
		if (unlikely(!vf)) {
			latch_leave(pair, REASON_VF_GONE);
		} else if (liveness == LIVENESS_LIVE &&
			   (reason = why_unusable(device_state(pair->vf_dev)))) {
			latch_leave(pair, reason);
			vf = NULL;
		} else {
			path = PATH_VF;
		}
	}

	counters = counters_at(slot);
	if (likely(counters))
		count(&counters->tx[path], skb->len);
	return vf ? bpf_redirect(*vf, 0) : TC_ACT_UNSPEC;
}

int steer_fentry(struct __sk_buff *skb)
{
	return steer(skb, LIVENESS_FENTRY);
}

int steer_live(struct __sk_buff *skb)
{
	return steer(skb, LIVENESS_LIVE);
}

int steer_netlink(struct __sk_buff *skb)
{
	return steer(skb, LIVENESS_NETLINK);
}
