/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The latch: leave at once, return with care.
 *
 * Whoever finds the VF dead - steer on a packet, the sentinel in the kernel's own call, userspace through the control
 * program - calls latch_leave(). Any of them may find it usable again and call latch_return(), which arms once the VF
 * has been usable for the settle time.
 *
 * The two may run on different CPUs at the same moment. Leaving first forgets that the VF was usable, then raises
 * `failures`, then disarms. Arming reads `failures`, looks, arms, and reads `failures` again: if it moved, the look was
 * too old and the arming is taken back. So a VF that failed is never left armed, whichever side is faster.
 */
#ifndef __NETVSC_BPF_LATCH_H
#define __NETVSC_BPF_LATCH_H

#include "abi.h"
#include "device.h"
#include "maps.h"

/* Only the CPU that won the exchange of `armed` comes here, so that each change is counted and told once. */
static __always_inline void latch_announce(struct pair *pair, enum pair_path to, enum reason reason)
{
	struct path_event event = {
		.at = bpf_ktime_get_ns(),
		.synthetic_ifindex = pair->synthetic_ifindex,
		.vf_ifindex = pair->vf_ifindex,
		.to = to,
		.reason = reason,
	};

	__sync_fetch_and_add(&pair->changes[to][reason % REASON_COUNT], 1);
	pair->changed_at = event.at;
	pair->reason = reason;
	emit(&event);
}

static __always_inline void latch_leave(struct pair *pair, enum reason reason)
{
	pair->usable_since = 0;
	__sync_fetch_and_add(&pair->failures, 1);
	if (__sync_lock_test_and_set(&pair->armed, 0))
		latch_announce(pair, PATH_SYNTHETIC, reason);
}

static __always_inline bool latch_arm(struct pair *pair, u64 failures)
{
	if (__sync_val_compare_and_swap(&pair->armed, 0, 1))
		return true; /* another CPU was first */
	latch_announce(pair, PATH_VF, REASON_ARMED);
	if (pair->failures == failures && pair->permitted && !pair->held)
		return true;
	latch_leave(pair, REASON_SETTLING);
	return false;
}

/* Called while not armed, and only then: nothing of this costs anything on the way through the VF. */
static __always_inline bool latch_return(struct pair *pair, u32 slot)
{
	u64 failures = pair->failures;
	u64 since = pair->usable_since;
	u64 dev = pair->vf_dev;
	u64 now, epoch;

	if (!pair->permitted || !dev || !both_here(slot))
		return false;
	if (pair->held || why_unusable(device_state(dev))) {
		pair->usable_since = 0;
		return false;
	}
	now = bpf_ktime_get_ns(); /* the coarse clock would be 4 ms wrong at either end of the settle time */
	epoch = device_carrier_epoch(dev);
	if (!since || pair->carrier_epoch != epoch) {
		pair->carrier_epoch = epoch;
		pair->usable_since = now;
		return false;
	}
	/* Signed: another CPU may have set `since` after we read the clock. */
	if ((s64)(now - since) < (s64)pair->settle_ns)
		return false;
	return latch_arm(pair, failures);
}

#endif
