/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the pair of a VF by its device. The traced functions run for every device of the machine, so other devices are
 * rejected fast: by one array lookup by ifindex. Another network namespace may have the same ifindex, so the device's
 * address is compared as well.
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
