/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads members of struct net_device. The pointers come from a DEVMAP entry or are arguments of the traced function,
 * so the memory is valid: the kernel deletes a DEVMAP entry at NETDEV_UNREGISTER and frees the device only after an
 * RCU grace period.
 */
#ifndef __NETVSC_BPF_DEVICE_H
#define __NETVSC_BPF_DEVICE_H

#include "abi.h"
#include "kernel_types.h"

#if RDONLY_CAST_TYPE
/*
 * bpf_rdonly_cast() is a kfunc that the verifier turns into a move (Linux 6.2, fixup_kfunc_call()). The load behind it
 * yields 0 where it faults, as bpf_probe_read_kernel() does, but is one instruction instead of a call. bcc cannot
 * reference a kfunc: the loader replaces this placeholder with its BTF id (netvsc_bpf/kernel/bpf/kfunc_calls.py).
 */
static const void *(*rdonly_cast)(u64 object, u32 btf_type) = (void *)RDONLY_CAST_PLACEHOLDER;

#define READ_NET_DEVICE(to, dev, offset) \
	(to = *(typeof(to) *)(rdonly_cast(dev, RDONLY_CAST_TYPE) + (offset)))
#else
#define READ_NET_DEVICE(to, dev, offset) read_kernel(&(to), sizeof(to), (void *)(dev) + (offset))
#endif

/* The device behind a DEVMAP value: both are members of the kernel's struct bpf_dtab_netdev. */
static __always_inline u64 device_of(u32 *devmap_value)
{
	u64 dev = 0;

	read_kernel(&dev, sizeof(dev), (void *)devmap_value - DEVMAP_VAL_TO_DEV);
	return dev;
}

static __always_inline u32 device_ifindex(u64 dev)
{
	u32 ifindex = 0;

	READ_NET_DEVICE(ifindex, dev, NET_DEVICE_IFINDEX);
	return ifindex;
}

static __always_inline u64 device_state(u64 dev)
{
	u64 state = 0;

	/* A failed read yields 0, which lacks START: the VF is not used. */
	READ_NET_DEVICE(state, dev, NET_DEVICE_STATE);
	return state;
}

/* struct net * of a device, for comparison only: never dereferenced */
static __always_inline u64 device_net(u64 dev)
{
	u64 net = 0;

	READ_NET_DEVICE(net, dev, NET_DEVICE_NET);
	return net;
}

/* Number of carrier changes (net_device.carrier_up_count + carrier_down_count). */
static __always_inline u64 device_carrier_epoch(u64 dev)
{
	u32 up = 0, down = 0;

	READ_NET_DEVICE(up, dev, NET_DEVICE_CARRIER_UP);
	READ_NET_DEVICE(down, dev, NET_DEVICE_CARRIER_DOWN);
	return (u64)up + down;
}

/* Why a device with this state cannot carry traffic; REASON_NONE: it can. One mask and one branch in the usual case. */
static __always_inline enum reason why_unusable(u64 state)
{
	const u64 wanted = 1 << LINK_STATE_START | 1 << LINK_STATE_PRESENT;
	const u64 looked_at = wanted | 1 << LINK_STATE_NOCARRIER;

	if (likely((state & looked_at) == wanted))
		return REASON_NONE;
	if (!(state & 1 << LINK_STATE_START))
		return REASON_VF_DOWN;
	if (!(state & 1 << LINK_STATE_PRESENT))
		return REASON_VF_DETACHED;
	return REASON_NO_CARRIER;
}

/*
 * Whether a device that was unusable may be used again. After a gain of carrier that needs linkwatch: a device without
 * carrier has no queueing discipline and drops everything, and gets it back under RTNL (linkwatch_do_dev(),
 * dev_activate()), which a driver may hold for seconds. Not checked for a VF that is in use.
 */
static __always_inline bool usable_again(u64 state)
{
	return !why_unusable(state) && !(state & 1 << LINK_STATE_LINKWATCH_PENDING);
}

/*
 * Distinguish a removal from a failure: a device that is unregistered while it is up is closed first, so it is found
 * down. `dismantle` is set before that (unregister_netdevice_many(), net/core/dev.c). Offset 0: the kernel has no such
 * member. Then, and for drivers that take the link away before they unregister, userspace finds out afterwards
 * (netvsc_bpf/planner/removals.py).
 */
static __always_inline enum reason gone_or(u64 dev, enum reason reason)
{
	u8 dismantle = 0;

	if (NET_DEVICE_DISMANTLE && reason)
		READ_NET_DEVICE(dismantle, dev, NET_DEVICE_DISMANTLE);
	return dismantle ? REASON_VF_GONE : reason;
}

/*
 * why_unusable() for the permitted VF of a pair, in programs that cannot use the DEVMAP to see that it is still
 * registered. A device is closed before it is unregistered, so its remains read as down; if the memory has been
 * reused for another device, the ifindex differs.
 */
static __always_inline enum reason why_vf_unusable(struct pair *pair)
{
	u64 dev = pair->vf_dev;

	if (device_ifindex(dev) != pair->vf_ifindex)
		return REASON_VF_GONE;
	return gone_or(dev, why_unusable(device_state(dev)));
}

#endif
