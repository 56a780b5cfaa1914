// SPDX-License-Identifier: GPL-2.0-only
/*
 * sentinel: detects the failure of a VF in the kernel functions that are called for it, before the next packet.
 * Attached where the kernel allows tracing programs (fentry); it costs nothing per packet.
 */
#include "abi.h"
#include "device.h"
#include "latch.h"
#include "maps.h"
#include "vf.h"

/*
 * Handle a device that unregisters, or moves to another network namespace and takes its programs along: other devices
 * may have the pair's ifindexes there. __dev_change_net_namespace() closes the device and calls the notifiers before
 * it changes ifindex and namespace, and opens it afterwards, so no packet is processed in between. Therefore steer
 * and home need no DEVMAP lookup per packet on this level. Userspace restores what is revoked here once it finds the
 * device in its place.
 */
static __always_inline void release_vf(u64 dev)
{
	struct home *home = home_of(device_ifindex(dev));
	struct pair *pair;

	if (!home)
		return;
	pair = pair_at(home->pair_slot);
	if (pair->home_dev == dev) {
		pair->home_ifindex = 0;
		pair->settled_ifindex = 0;
	}
}

static __always_inline void release_synthetic(u64 dev)
{
	struct pair *pair;
	u32 slot;

	pair = pair_of(device_ifindex(dev), &slot);
	if (!pair || pair->synthetic_dev != dev)
		return;
	pair->home_ifindex = 0;
	pair->settled_ifindex = 0;
	pair->permitted = 0;
	latch_leave(pair, REASON_VF_GONE);
	pair->reason = REASON_VF_GONE;
}

/* A bridge, VLAN or macvlan is about to be put on a synthetic NIC: it may send from a MAC of its own. */
static __always_inline void note_upper(u64 dev)
{
	struct pair *pair;
	u32 slot;

	pair = pair_of(device_ifindex(dev), &slot);
	if (pair && pair->synthetic_dev == dev)
		pair->plain_ifindex = 0;
}

/* int call_netdevice_notifiers_info(unsigned long val, struct netdev_notifier_info *info), net/core/dev.c */
KFUNC_PROBE(call_netdevice_notifiers_info, unsigned long event, void *info)
{
	struct pair *pair;
	enum reason reason;
	u64 dev = 0;

	if (event != NETDEV_GOING_DOWN && event != NETDEV_DOWN && event != NETDEV_UNREGISTER &&
	    event != NETDEV_UP && event != NETDEV_CHANGE && event != NETDEV_PRECHANGEUPPER)
		return 0;
	read_kernel(&dev, sizeof(dev), info + NOTIFIER_INFO_DEV);
	if (event == NETDEV_PRECHANGEUPPER) {
		note_upper(dev);
		return 0;
	}
	if (event == NETDEV_UNREGISTER) {
		release_vf(dev);
		release_synthetic(dev);
	}
	pair = pair_of_vf(dev);
	if (!pair)
		return 0;

	switch (event) {
	case NETDEV_UP:
		latch_invalidate(pair); /* up-1: it has a pair */
		pair->held = 0; /* up-2 */
		break;
	case NETDEV_CHANGE:
		reason = why_unusable(device_state(dev));
		if (reason)
			latch_leave(pair, reason);
		break;
	case NETDEV_UNREGISTER:
		pair->held = 1;
		latch_leave(pair, REASON_VF_GONE);
		break;
	default:
		/*
		 * down-1: GOING_DOWN is sent before the device stops; without the hold, steer would still find it
		 * usable. down-2: DOWN is sent after it stopped, for a VF that was permitted in between.
		 */
		pair->held = 1;
		latch_leave(pair, gone_or(dev, REASON_VF_DOWN));
	}
	return 0;
}

/*
 * void netif_carrier_off(struct net_device *dev), net/sched/sch_generic.c
 * void netif_device_detach(struct net_device *dev), net/core/dev.c: suspend, reset, PCI error
 *
 * carrier-1: at entry, so that no packet goes to the device afterwards. carrier-2: at return, when the device's state
 * shows it. Without carrier-2, if the hypervisor preempted this CPU in between for longer than the settle time,
 * another CPU could find the VF usable and arm, and no later check would correct that.
 *
 * There is a second reason for two programs: the kernel skips a program that is already running on this CPU
 * (__bpf_prog_enter_recur()), for example when an interrupt takes the carrier of another VF while the program handles
 * this one. The interrupt cannot have interrupted both. `held` is not set: no notifier reports that a device is
 * attached again (netif_device_attach()).
 */
KFUNC_PROBE(netif_carrier_off, void *dev)
{
	leave_device((u64)dev, REASON_NO_CARRIER);
	return 0;
}

KRETFUNC_PROBE(netif_carrier_off, void *dev)
{
	leave_device((u64)dev, REASON_NO_CARRIER);
	return 0;
}

KFUNC_PROBE(netif_device_detach, void *dev)
{
	leave_device((u64)dev, REASON_VF_DETACHED);
	return 0;
}

KRETFUNC_PROBE(netif_device_detach, void *dev)
{
	leave_device((u64)dev, REASON_VF_DETACHED);
	return 0;
}
