// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops: counts the frames that were lost on their way from the VF home to the synthetic NIC.
 *
 * bpf_redirect() promises more than it knows: whether the frame is taken is decided after home has returned. The
 * synthetic NIC's rx_dropped counts those that were not, but also frames of protocols that nobody listens to, and on
 * virtio-net what guard stopped. So this looks at what the kernel throws away, and why. It costs a packet nothing, and
 * each skb that is dropped anywhere on the machine some nanoseconds.
 */
#include "abi.h"
#include "device.h"
#include "maps.h"

#if !defined(SKB_DEV) || !defined(SKB_AT_TC_INGRESS) || !defined(SKB_AT_TC_INGRESS_MASK) || \
	!defined(DROP_NOT_SPECIFIED) || !defined(DROP_CPU_BACKLOG) || !defined(DROP_DEV_READY)
#error "facts about drops are missing: compile through netvsc_bpf.kernel.compile.child"
#endif

#if DROP_CPU_BACKLOG
/* It passed a tc ingress hook, and was not transmitted since: not one that the device's own driver received. */
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

/* The same number may live in another network namespace. */
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
		/* enqueue_to_backlog(): it is the synthetic NIC's by now, and the backlog of a CPU is full. */
		if (pair_of_synthetic(dev, &slot))
			count_lost(slot);
		return 0;
	}
	/* ____dev_forward_skb(): the synthetic NIC is down, and the frame is the VF's still. */
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
