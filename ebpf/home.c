// SPDX-License-Identifier: GPL-2.0-only
/*
 * home: tc ingress on the VF. Brings its frames home to the synthetic NIC, where addresses, sockets and rules are.
 *
 * Where the kernel's own hv_netvsc has enslaved the VF, its rx_handler delivers the frame for less; then we only count.
 */
#include "abi.h"
#include "maps.h"

int home(struct __sk_buff *skb)
{
	struct home *home = home_of(skb->ifindex);
	struct counters *counters;

	if (!home)
		return TC_ACT_UNSPEC;
	counters = counters_at(home->pair_slot);
	if (likely(counters))
		count(&counters->rx[PATH_VF], skb->len);
	if (home->rx == RX_KERNEL)
		return TC_ACT_UNSPEC;
	return bpf_redirect(home->synthetic_ifindex, BPF_F_INGRESS);
}
