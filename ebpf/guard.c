// SPDX-License-Identifier: GPL-2.0-only
/*
 * guard: XDP on the synthetic NIC. Counts the frames that physically arrive there, and drops those that the VF delivers
 * too, or that the guest itself has sent (evidence.h).
 *
 * hv_netvsc copies its XDP program onto the VF, so guard decides by the device that received the frame, not by the
 * device that it is attached to. Frames that home redirects are past XDP in the driver, so guard sees them in generic
 * mode only.
 *
 * In a guest that only receives, steer never runs and so never checks the VF. Guard therefore checks the VF itself
 * before it drops a frame: that frame, for example an ARP request for the guest's address, may be all that still
 * reaches it.
 */
#include "abi.h"
#include "device.h"
#include "evidence.h"
#include "frame_hash.h"
#include "frame_length.h"
#include "latch.h"
#include "maps.h"

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

/*
 * Return where the payload begins; the frame is at least ETH_HLEN bytes long. Where the NIC strips tags, one that is
 * left may be the inner one of two, and is no VLAN of a station either.
 */
static __always_inline u8 *parse(struct pair *pair, u8 *data, u8 *end, struct frame *frame)
{
	read_macs(frame, data);
	frame->vlan = pair->facts & FACT_TAGS_HIDDEN ? VLAN_UNKNOWN : 0;
	if (!is_vlan(data + 12) || data + ETH_HLEN + VLAN_HLEN > end)
		return data + ETH_HLEN;
	if (!frame->vlan)
		frame->vlan = (data[14] << 8 | data[15]) & VLAN_VID_MASK;
	if (!is_vlan(data + 16) || data + ETH_HLEN + 2 * VLAN_HLEN > end)
		return data + ETH_HLEN + VLAN_HLEN;
	return data + ETH_HLEN + 2 * VLAN_HLEN;
}

static __always_inline u64 hash_payload(struct pair *pair, struct frame *frame, u8 *at, u8 *end)
{
	struct payload payload = {};

	if (at + FIRST > end)
		return 0;
	payload.first[0] = *(u64 *)at;
	payload.first[1] = *(u64 *)(at + 8);
	payload.first[2] = *(u64 *)(at + 16);
	payload.first[3] = *(u32 *)(at + 24);
	at += FIRST;
	if (at + LONG <= end) {
#pragma unroll
		for (u32 word = 0; word < 6; word++)
			payload.more[word] = *(u64 *)(at + 8 * word);
	} else if (at + SHORT <= end) {
		payload.more[0] = *(u64 *)at;
		payload.more[1] = *(u64 *)(at + 8);
		payload.more[2] = *(u32 *)(at + 16);
	}
	return hash_of(pair, frame, &payload);
}

/*
 * In generic mode guard also sees what home has redirected (bpf_redirect() does not mark an skb as such). Home sets the
 * group bit of its source, which no station may have (IEEE 802.3, 3.2.3); here it is cleared again.
 */
static __always_inline bool is_from_home(struct pair *pair, u8 *data)
{
	if (likely(!(pair->facts & FACT_GENERIC_XDP)) || !(data[6] & 1))
		return false;
	data[6] &= ~1;
	return true;
}

/* Plain unicast by the active path, known to arrive there. In most cases nothing else arrives at all. */
static __always_inline bool expected(struct pair *pair, u8 *data)
{
	return !pair->armed && pair->delivered_epoch == pair->epoch + 1 &&
	       mac_at(data) == pair->address && !is_vlan(data + 12) &&
	       !(pair->facts & FACT_TAGS_HIDDEN);
}

static __always_inline bool is_duplicate(struct pair *pair, u8 *data, u8 *end)
{
	struct frame frame;
	u8 *payload = parse(pair, data, end, &frame);
	enum verdict verdict = judge(pair, &frame, PATH_SYNTHETIC);
	bool copy = false;

	if (verdict == DROP && vf_still_carries(pair))
		return true;
	if (verdict == COMPARE)
		copy = is_copy(pair, hash_payload(pair, &frame, payload, end), PATH_SYNTHETIC);
	if (!frame.group && !pair->armed)
		note_delivery(pair, &frame);
	return copy;
}

int guard(struct xdp_md *ctx)
{
	u8 *data = (u8 *)(long)ctx->data;
	u8 *end = (u8 *)(long)ctx->data_end;
	struct pair *pair = own_pair();
	struct counters *counters;

	if (ctx->ingress_ifindex != pair->synthetic_ifindex || data + ETH_HLEN > end)
		return XDP_PASS;
	if (is_from_home(pair, data))
		return XDP_PASS;
	counters = own_counters(this_cpu());
	/* Without a VF there is nothing to compare with. */
	if (pair->home_ifindex && !expected(pair, data)) {
		if (is_duplicate(pair, data, end)) {
			counters->duplicates += 1;
			return XDP_DROP;
		}
		counters->compared[PATH_SYNTHETIC] += 1;
	}
	count(&counters->rx[PATH_SYNTHETIC], frame_length(ctx));
	return XDP_PASS;
}
