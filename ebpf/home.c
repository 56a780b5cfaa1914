// SPDX-License-Identifier: GPL-2.0-only
/*
 * home: tc ingress on the VF. Redirects its frames to the ingress of the synthetic NIC, which has the addresses,
 * sockets and rules.
 *
 * Not attached where hv_netvsc has enslaved the VF and delivers its frames (rx `kernel`). Until it is detached there,
 * for example after a change of `rx`, redirect_to is 0: home counts the frame and passes it on.
 *
 * A switch may deliver a frame to both NICs. Home drops what guard has let in already, or the synthetic NIC delivers
 * while it is the path (evidence.h). Plain unicast by a VF in use is not compared with anything.
 */
#include "abi.h"
#include "evidence.h"
#include "frame_hash.h"
#include "latch.h"
#include "maps.h"

#define PACKET_HOST 0 /* include/uapi/linux/if_packet.h */

/*
 * Whether home runs on the VF of its pair, with both NICs in their network namespace. A VF that moves to another
 * namespace takes home along, and other NICs may have the same ifindexes there. On level `fentry` the sentinel clears
 * home_ifindex before such a move, and when the synthetic NIC goes (sentinel.c, release_vf()). On the other levels
 * home checks the DEVMAP, whose entries the kernel deletes with the devices.
 */
static __always_inline bool both_here(void)
{
	return RUNG == LIVENESS_FENTRY || both_present(own_slot());
}

static __always_inline u64 hash_payload_of(struct __sk_buff *skb, struct pair *pair,
					   struct frame *frame, u32 at)
{
	struct payload payload = {};
	u32 length = skb->len - at;

	if (bpf_skb_load_bytes(skb, at, payload.first, FIRST))
		return 0;
	if (length >= FIRST + LONG)
		bpf_skb_load_bytes(skb, at + FIRST, payload.more, LONG);
	else if (length >= FIRST + SHORT)
		bpf_skb_load_bytes(skb, at + FIRST, payload.more, SHORT);
	return hash_of(pair, frame, &payload);
}

/* Return where the payload begins, 0 if the frame cannot be read. The kernel has removed the outer tag. */
static __always_inline u32 parse_skb(struct __sk_buff *skb, struct pair *pair, struct frame *frame)
{
	u8 *data = (u8 *)(long)skb->data;
	u8 *end = (u8 *)(long)skb->data_end;

	if (data + ETH_HLEN > end)
		return 0;
	read_macs(frame, data);
	frame->vlan = skb->vlan_tci & VLAN_VID_MASK;
	if (frame->vlan && pair->facts & FACT_TAGS_HIDDEN)
		frame->vlan = VLAN_UNKNOWN; /* it is to guard */
	return is_vlan(data + 12) ? ETH_HLEN + VLAN_HLEN : ETH_HLEN;
}

/*
 * The sentinel or the latch may be clearing settled_ifindex. With the barrier either they overwrite ours, or we see what
 * they wrote before.
 */
static __always_inline void settle(struct pair *pair, u32 ifindex)
{
	pair->settled_ifindex = ifindex;
	latch_barrier();
	if (!pair->armed || pair->home_ifindex != ifindex)
		pair->settled_ifindex = 0;
}

static __always_inline bool is_duplicate_of(struct __sk_buff *skb, struct pair *pair)
{
	struct frame frame;
	enum verdict verdict;
	bool copy = false;
	u32 payload = parse_skb(skb, pair, &frame);

	if (!payload)
		return false;
	verdict = judge(pair, &frame, PATH_VF);
	if (verdict == DROP)
		return true;
	if (verdict == COMPARE)
		copy = is_copy(pair, hash_payload_of(skb, pair, &frame, payload), PATH_VF);
	if (frame.group || !pair->armed)
		return copy;
	note_delivery(pair, &frame);
	if (is_plain(pair, &frame) && !(pair->facts & FACT_GENERIC_XDP))
		settle(pair, skb->ingress_ifindex);
	return copy;
}

static __always_inline int bring_home(struct __sk_buff *skb, struct pair *pair)
{
	/* Clears the VF's receive queue: if the synthetic NIC has fewer, get_rps_cpu() warns and RPS is skipped. */
	skb->queue_mapping = 0;
	return bpf_redirect(pair->redirect_to, BPF_F_INGRESS);
}

/* For a guard in generic mode: see is_from_home() in guard.c. */
static __always_inline void mark_for_guard(struct __sk_buff *skb)
{
	u8 *data = (u8 *)(long)skb->data;
	u8 *end = (u8 *)(long)skb->data_end;
	u8 first;

	if (data + ETH_HLEN > end)
		return;
	first = data[6] | 1;
	bpf_skb_store_bytes(skb, 6, &first, sizeof(first), 0);
}

/* Whatever is not plain unicast of a VF in use. */
int home_rest(struct __sk_buff *skb)
{
	struct pair *pair = own_pair();
	struct counters *counters = own_counters(this_cpu());

	/* At this hook ingress_ifindex is the receiving device, as ifindex is, and takes one load less. */
	if (skb->ingress_ifindex != pair->home_ifindex || !both_here())
		return TC_ACT_UNSPEC;
	if (pair->redirect_to && is_duplicate_of(skb, pair)) {
		counters->duplicates += 1;
		return TC_ACT_SHOT;
	}
	counters->compared[PATH_VF] += 1;
	count(&counters->rx[PATH_VF], skb->len);
	if (!pair->redirect_to)
		return TC_ACT_UNSPEC;
	if (pair->facts & FACT_GENERIC_XDP)
		mark_for_guard(skb);
	return bring_home(skb, pair);
}

int home(struct __sk_buff *skb)
{
	u32 cpu = this_cpu();
	struct pair *pair = own_pair();

	if (unlikely(skb->ingress_ifindex != pair->settled_ifindex ||
		     skb->pkt_type != PACKET_HOST || skb->vlan_tci || !both_here()))
		return call_rest(skb);
	count(&own_counters(cpu)->rx[PATH_VF], skb->len);
	return bring_home(skb, pair);
}
