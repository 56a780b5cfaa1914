/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a device that something happens to one of our VFs? Every device of the machine passes here, so the way out for others
 * is short: one array lookup by ifindex. The same ifindex may live in another network namespace; the device's address
 * decides.
 */
#ifndef __NETVSC_BPF_VF_H
#define __NETVSC_BPF_VF_H

#include "abi.h"
#include "device.h"
#include "latch.h"
#include "maps.h"

static __always_inline struct pair *pair_of_vf(u64 dev)
{
	struct home *home = home_of(device_ifindex(dev));
	struct pair *pair;

	if (!home)
		return NULL;
	pair = pair_at(home->pair_slot);
	return pair->vf_dev == dev ? pair : NULL;
}

static __always_inline void leave_device(u64 dev, enum reason reason)
{
	struct pair *pair = pair_of_vf(dev);

	if (pair)
		latch_leave(pair, reason);
}

#endif
