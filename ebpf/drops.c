// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops: counts the frames that were lost between home's redirect and the synthetic NIC.
 *
 * bpf_redirect() reports success before it is known whether the frame is accepted: that is decided after home has
 * returned. The synthetic NIC's rx_dropped counts frames that were not, but also frames of protocols without a
 * handler, and on virtio-net those that guard dropped. So this program traces kfree_skb and its drop reasons. It
 * costs nothing per packet, and some nanoseconds per skb dropped anywhere on the machine.
 */
#include "abi.h"
#include "device.h"
#include "maps.h"

#if !defined(SKB_DEV) || !defined(SKB_AT_TC_INGRESS) || !defined(SKB_AT_TC_INGRESS_MASK) || \
	!defined(DROP_NOT_SPECIFIED) || !defined(DROP_CPU_BACKLOG) || !defined(DROP_DEV_READY)
#error "facts about drops are missing: compile through netvsc_bpf.kernel.compile.compiler"
#endif

#if DROP_CPU_BACKLOG
/* The skb passed a tc ingress hook and was not transmitted since: the device's own driver did not receive it. */
static __always_inline bool was_redirected(void *skb)
{
	u8 bits = 0;

	read_kernel(&bits, sizeof(bits), skb + SKB_AT_TC_INGRESS);
	return bits & SKB_AT_TC_INGRESS_MASK;
}

static __always_inline u64 device_of_skb(void *skb)
{
	u64 dev = 0;

	read_kernel(&dev, sizeof(dev), skb + SKB_DEV);
	return dev;
}

/* The device is compared too: another network namespace may have the same ifindex. */
static __always_inline struct pair *pair_of_synthetic(u64 dev, u32 *slot)
{
	struct pair *pair = pair_of(device_ifindex(dev), slot);

	return pair && pair->synthetic_dev == dev ? pair : NULL;
}

static __always_inline void count_lost(u32 slot)
{
	/* Drops happen in any context, and one may interrupt another. */
	__sync_fetch_and_add(&counters_at(this_cpu(), slot)->lost_home, 1);
}

/* trace_kfree_skb(skb, location, reason), include/trace/events/skb.h; the reason since Linux 5.17 */
int kfree_skb(struct bpf_raw_tracepoint_args *ctx)
{
	void *skb = (void *)ctx->args[0];
	u32 reason = ctx->args[2];
	struct home *home;
	struct pair *pair;
	u32 slot;
	u64 dev;

	if (reason != DROP_CPU_BACKLOG && reason != DROP_DEV_READY && reason != DROP_NOT_SPECIFIED)
		return 0;
	if (!was_redirected(skb))
		return 0;
	dev = device_of_skb(skb);
	if (reason != DROP_NOT_SPECIFIED) {
		/* enqueue_to_backlog(): skb->dev is the synthetic NIC already, and the backlog of a CPU is full. */
		if (pair_of_synthetic(dev, &slot))
			count_lost(slot);
		return 0;
	}
	/* ____dev_forward_skb(): the synthetic NIC is down, and skb->dev is still the VF. */
	home = home_of(device_ifindex(dev));
	if (!home)
		return 0;
	pair = pair_at(home->pair_slot);
	if (pair->home_dev == dev && pair->redirect_to)
		count_lost(home->pair_slot);
	return 0;
}
#else
int kfree_skb(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}
#endif
