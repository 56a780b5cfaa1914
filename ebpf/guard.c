// SPDX-License-Identifier: GPL-2.0-only
/*
 * guard: XDP on the synthetic NIC. Counts the frames that physically arrive there, and drops them while the VF is the
 * path if the fabric delivers such frames to both NICs (a learning switch floods multicast and unknown unicast to
 * every port).
 *
 * hv_netvsc copies its XDP program onto the VF, so guard decides by the device that received the frame, not by the
 * device that it is attached to. Frames that home redirects skip XDP, so guard never sees them.
 *
 * In a guest that only receives, steer never runs and so never checks the VF. Guard therefore checks the VF itself
 * before it drops a frame: that frame, for example an ARP request for the guest's address, may be all that still
 * reaches it.
 */
#include "abi.h"
#include "device.h"
#include "frame_length.h"
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

	/* The ifindex may be the same in another network namespace, but the VF is not in it. */
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
	count(&counters->rx[PATH_SYNTHETIC], frame_length(ctx));
	return XDP_PASS;
}
