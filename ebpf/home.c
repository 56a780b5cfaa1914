// SPDX-License-Identifier: GPL-2.0-only
/*
 * home: tc ingress on the VF. Brings its frames home to the synthetic NIC, where addresses, sockets and rules are.
 *
 * Where the kernel's own hv_netvsc has enslaved the VF, its rx_handler delivers the frame for less; then we only count.
 *
 * While the synthetic NIC is the path, a switch that floods gives broadcast and multicast to both. The VF's copy is
 * dropped then, as guard drops the other one while the VF is the path - and with it our own broadcasts, which the
 * switch sends back by the VF.
 */
#include "abi.h"
#include "maps.h"

#define PACKET_HOST 0 /* include/uapi/linux/if_packet.h */
#define PACKET_BROADCAST 1
#define PACKET_MULTICAST 2

static __always_inline bool comes_by_the_synthetic_nic_too(struct __sk_buff *skb, struct home *home)
{
	struct pair *pair;

	if (likely(skb->pkt_type == PACKET_HOST))
		return false;
	apart();
	if (skb->pkt_type != PACKET_BROADCAST && skb->pkt_type != PACKET_MULTICAST)
		return false;
	pair = pair_at(home->pair_slot);
	return !pair->armed && pair->guard != GUARD_OFF;
}

int home(struct __sk_buff *skb)
{
	u32 cpu = this_cpu();
	struct home *home =
		home_of(skb->ingress_ifindex); /* here that of its device, for one load less */
	struct counters *counters;

	if (!home) {
		apart();
		return TC_ACT_UNSPEC;
	}
	counters = counters_at(cpu, home->pair_slot);
	if (unlikely(comes_by_the_synthetic_nic_too(skb, home))) {
		counters->duplicates += 1;
		return TC_ACT_SHOT;
	}
	count(&counters->rx[PATH_VF], skb->len);
	if (unlikely(!home->redirect_to)) {
		apart();
		return TC_ACT_UNSPEC;
	}
	return bpf_redirect(home->redirect_to, BPF_F_INGRESS);
}
