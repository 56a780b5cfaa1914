// SPDX-License-Identifier: GPL-2.0-only
/*
 * home: tc ingress on the VF. Redirects its frames to the ingress of the synthetic NIC, which has the addresses,
 * sockets and rules.
 *
 * Not attached where hv_netvsc has enslaved the VF and delivers its frames (rx `kernel`). Until it is detached there,
 * for example after a change of `rx`, redirect_to is 0: home counts the frame and passes it on.
 *
 * While the synthetic NIC is the path, a switch that floods delivers broadcast and multicast to both NICs. Home then
 * drops the VF's copy, as guard drops the other copy while the VF is the path. This also drops the guest's own
 * broadcasts, which the switch sends back through the VF.
 */
#include "abi.h"
#include "maps.h"

#define PACKET_HOST 0 /* include/uapi/linux/if_packet.h */
#define PACKET_BROADCAST 1
#define PACKET_MULTICAST 2

static __always_inline bool synthetic_receives_it_too(struct __sk_buff *skb, struct pair *pair)
{
	if (likely(skb->pkt_type == PACKET_HOST))
		return false;
	cold_path();
	if (skb->pkt_type != PACKET_BROADCAST && skb->pkt_type != PACKET_MULTICAST)
		return false;
	return !pair->armed && pair->guard != GUARD_OFF;
}

/*
 * Whether home runs on the VF of its pair, with both NICs in their network namespace. A VF that moves to another
 * namespace takes home along, and other NICs may have the same ifindexes there. On level `fentry` the sentinel clears
 * home_ifindex before such a move, and when the synthetic NIC goes (sentinel.c, release_vf()). On the other levels
 * home checks the DEVMAP, whose entries the kernel deletes with the devices.
 */
static __always_inline bool on_own_vf(struct __sk_buff *skb, struct pair *pair)
{
	/* At this hook ingress_ifindex is the receiving device, as ifindex is, and takes one load less. */
	if (unlikely(skb->ingress_ifindex != pair->home_ifindex))
		return false;
	return RUNG == LIVENESS_FENTRY || both_present(own_slot());
}

int home(struct __sk_buff *skb)
{
	u32 cpu = this_cpu();
	struct pair *pair = own_pair();
	struct counters *counters;

	if (unlikely(!on_own_vf(skb, pair))) {
		cold_path();
		return TC_ACT_UNSPEC;
	}
	counters = own_counters(cpu);
	if (unlikely(synthetic_receives_it_too(skb, pair))) {
		counters->duplicates += 1;
		return TC_ACT_SHOT;
	}
	count(&counters->rx[PATH_VF], skb->len);
	if (unlikely(!pair->redirect_to)) {
		cold_path();
		return TC_ACT_UNSPEC;
	}
	/* Clears the VF's receive queue: if the synthetic NIC has fewer, get_rps_cpu() warns and RPS is skipped. */
	skb->queue_mapping = 0;
	return bpf_redirect(pair->redirect_to, BPF_F_INGRESS);
}
