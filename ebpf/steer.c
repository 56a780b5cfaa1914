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
#include "evidence.h"
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
	if (RUNG == LIVENESS_LIVE)
		reason = gone_or(pair->vf_dev, reason);
	latch_leave(pair, reason);
	return false;
}

static __always_inline void count_tx(struct __sk_buff *skb, enum pair_path path)
{
	count(&own_counters(this_cpu())->tx[path], skb->len);
}

/* A device above the synthetic NIC may send from a MAC of its own, for example a bridge for containers. */
static __always_inline void note_source(struct __sk_buff *skb, struct pair *pair)
{
	u8 *data = (u8 *)(long)skb->data;
	u8 *end = (u8 *)(long)skb->data_end;

	if (pair->guard == GUARD_OFF || data + ETH_HLEN > end)
		return;
	if (mac_at(data + 6) != pair->address)
		note_sender(mac_at(data + 6));
}

/*
 * Whether steer runs on the synthetic NIC of its pair: after a move to another network namespace the NIC may have
 * another ifindex, or the same. Sources are noted only if there are devices above (sentinel.c), and always on the
 * levels where no program notices them.
 */
static __always_inline bool on_own_nic(struct __sk_buff *skb, struct pair *pair)
{
	if (likely(skb->ifindex == pair->plain_ifindex))
		return true;
	cold_path();
	if (skb->ifindex != pair->synthetic_ifindex)
		return false;
	note_source(skb, pair);
	return true;
}

int steer(struct __sk_buff *skb)
{
	struct pair *pair = own_pair();

	if (unlikely(!on_own_nic(skb, pair)))
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
