// SPDX-License-Identifier: GPL-2.0-only
/*
 * sentinel: sees a VF fail in the kernel's own calls, before the next packet does. Attached where the kernel lets
 * tracing programs be (fentry); it costs the packets nothing.
 */
#include "abi.h"
#include "device.h"
#include "latch.h"
#include "maps.h"
#include "vf.h"

/*
 * A device goes, or leaves for another network namespace and takes its programs along: there the numbers of the pair are
 * those of other devices. __dev_change_net_namespace() closes the device and calls the notifiers before it changes number
 * and namespace, and opens it after that: no packet comes between. So on this rung steer and home need not look at the
 * DEVMAP for each packet; what is taken back here userspace gives again, once it has found the device at its place.
 */
static __always_inline void release_vf(u64 dev)
{
	struct home *home = home_of(device_ifindex(dev));
	struct pair *pair;

	if (!home)
		return;
	pair = pair_at(home->pair_slot);
	if (pair->home_dev == dev)
		pair->home_ifindex = 0;
}

static __always_inline void release_synthetic(u64 dev)
{
	struct pair *pair;
	u32 slot;

	pair = pair_of(device_ifindex(dev), &slot);
	if (!pair || pair->synthetic_dev != dev)
		return;
	pair->home_ifindex = 0;
	pair->permitted = 0;
	latch_leave(pair, REASON_VF_GONE);
	pair->reason = REASON_VF_GONE;
}

/* int call_netdevice_notifiers_info(unsigned long val, struct netdev_notifier_info *info), net/core/dev.c */
KFUNC_PROBE(call_netdevice_notifiers_info, unsigned long event, void *info)
{
	struct pair *pair;
	enum reason reason;
	u64 dev = 0;

	if (event != NETDEV_GOING_DOWN && event != NETDEV_DOWN && event != NETDEV_UNREGISTER &&
	    event != NETDEV_UP && event != NETDEV_CHANGE)
		return 0;
	read_kernel(&dev, sizeof(dev), info + NOTIFIER_INFO_DEV);
	if (event == NETDEV_UNREGISTER) {
		release_vf(dev);
		release_synthetic(dev);
	}
	pair = pair_of_vf(dev);
	if (!pair)
		return 0;

	switch (event) {
	case NETDEV_UP:
		latch_invalidate(pair); /* up-1: it is our pair */
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
		 * down-1: GOING_DOWN comes before the device stops; hold it, or steer would find it usable still.
		 * down-2: DOWN comes after, for who was permitted to use it in between.
		 */
		pair->held = 1;
		latch_leave(pair, REASON_VF_DOWN);
	}
	return 0;
}

/*
 * void netif_carrier_off(struct net_device *dev), net/sched/sch_generic.c
 * void netif_device_detach(struct net_device *dev), net/core/dev.c: suspend, reset, PCI error
 *
 * carrier-1: as they are entered, so that no packet goes to the device afterwards. carrier-2: as they return, once the
 * device's state says it. Without the latter a CPU that is taken away in between for longer than the settle time (by its
 * hypervisor) would let another one find the VF usable, and nobody would look again.
 *
 * Two programs for one event for a second reason: the kernel skips a program that is running on this CPU already
 * (__bpf_prog_enter_recur()), as when an interrupt takes the carrier of another VF while we see to this one's. It cannot
 * have interrupted both. Nothing is held: nobody tells that a device is attached again (netif_device_attach()).
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
