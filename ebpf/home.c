// SPDX-License-Identifier: GPL-2.0-only
/*
 * home: tc ingress on the VF. Brings its frames home to the synthetic NIC, where addresses, sockets and rules are.
 *
 * Not attached where the kernel's own hv_netvsc has enslaved the VF and delivers its frames (rx `kernel`). Until it is
 * detached there, as after a change of `rx`, it has nowhere to redirect to: it counts, and lets the frame go on.
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
 * A VF that moves to another network namespace takes us along, and there other NICs have the numbers of the pair's. On the
 * rung `fentry` the sentinel clears home_ifindex before that (sentinel.c, release_vf()), and when the synthetic NIC goes.
 * Elsewhere the DEVMAP has to be asked, whose entries go with the devices.
 */
static __always_inline bool on_own_vf(struct __sk_buff *skb, struct pair *pair)
{
	/* ingress_ifindex is here that of the device that the frame came by, for one load less than ifindex. */
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
	/* The VF's receive queue: the synthetic NIC may have fewer, of which get_rps_cpu() warns and then spreads nothing. */
	skb->queue_mapping = 0;
	return bpf_redirect(pair->redirect_to, BPF_F_INGRESS);
}
