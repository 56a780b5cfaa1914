// SPDX-License-Identifier: GPL-2.0-only
/*
 * guard: XDP on the synthetic NIC. Counts what physically arrives there, and drops it while the VF is the path if the
 * fabric delivers such frames to both (a learning switch floods multicast and unknown unicast to every port).
 *
 * hv_netvsc copies its XDP program onto the VF, so we go by where the frame arrived, never by where we were attached.
 * Frames that home reinjects skip XDP: they never come by here.
 *
 * A guest that only listens never makes steer look at the VF. So before guard drops a frame it looks itself: the frame
 * may be all that still reaches the guest, the question for its address for one.
 */
#include "abi.h"
#include "device.h"
#include "latch.h"
#include "maps.h"

#define ETH_HLEN 14

/* The group bit of the destination marks broadcast and multicast (IEEE 802.3, 3.2.3). */
static __always_inline bool vf_receives_it_too(struct pair *pair, u8 *frame)
{
	return pair->guard == GUARD_ALL || (pair->guard == GUARD_MULTICAST && (frame[0] & 1));
}

static __always_inline bool vf_still_carries(struct pair *pair)
{
	enum reason reason = RUNG == LIVENESS_NETLINK ? REASON_NONE : why_vf_unusable(pair);

	/* The number may be ours in another network namespace too: the VF is not there. */
	if (RUNG != LIVENESS_NETLINK && device_net(pair->vf_dev) != device_net(pair->synthetic_dev))
		reason = REASON_VF_GONE;
	if (likely(!reason))
		return true;
	latch_leave(pair, reason);
	return false;
}

int guard(struct xdp_md *ctx)
{
	u8 *frame = (u8 *)(long)ctx->data;
	u8 *end = (u8 *)(long)ctx->data_end;
	struct pair *pair = own_pair();
	struct counters *counters;

	if (ctx->ingress_ifindex != pair->synthetic_ifindex || frame + ETH_HLEN > end)
		return XDP_PASS;
	counters = own_counters(this_cpu());
	if (pair->armed && vf_receives_it_too(pair, frame) && vf_still_carries(pair)) {
		counters->duplicates += 1;
		return XDP_DROP;
	}
	count(&counters->rx[PATH_SYNTHETIC], end - frame);
	return XDP_PASS;
}
