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
 *
 * The steps have names (leave-1), by which tests/unit/latch has them in a model that goes through every order. On a CPU
 * that reorders (arm64) a plain load or store keeps its place only by a barrier, and an atomic addition whose result is
 * not asked for is none. leave-2 and return-1 are barriers: otherwise a look could be older than the `failures` read before
 * it, and a permission could be seen before what it was given for. leave-3 and arm-1 exchange the same word: one of them
 * sees the other, and with it all that stands before it.
 *
 * A CPU that stalls between its look and return-7 notes a time that is too old. That shortens the settle time by as much;
 * it arms nothing that failed, for arming takes a new look.
 */
#ifndef __NETVSC_BPF_LATCH_H
#define __NETVSC_BPF_LATCH_H

#include "abi.h"
#include "device.h"
#include "maps.h"

/* Only the CPU that won the exchange of `armed` comes here, so that each change is counted and told once. */
static __always_inline void latch_report(struct pair *pair, enum pair_path to, enum reason reason)
{
	struct path_event event = {
		.at = bpf_ktime_get_boot_ns(), /* goes on in suspend */
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

/* A full barrier, since the result is asked for (BPF_FETCH): LDADDAL on arm64, or a loop with a DMB behind it. */
static __always_inline u64 latch_add(u64 *counter, u64 value)
{
	u64 before = __sync_fetch_and_add(counter, value);

	asm volatile("" : "+r"(before));
	return before;
}

/* Looks that have begun do not count any more. What was written before is seen by those that begin now. */
static __always_inline void latch_invalidate(struct pair *pair)
{
	pair->usable_since = 0; /* leave-1 */
	latch_add(&pair->failures, 1); /* leave-2 */
}

static __always_inline void latch_leave(struct pair *pair, enum reason reason)
{
	latch_invalidate(pair);
	if (__sync_lock_test_and_set(&pair->armed, 0)) /* leave-3 */
		latch_report(pair, PATH_SYNTHETIC, reason);
}

static __always_inline bool latch_arm(struct pair *pair, u64 failures)
{
	if (__sync_val_compare_and_swap(&pair->armed, 0, 1)) /* arm-1 */
		return true; /* another CPU was first */
	latch_report(pair, PATH_VF, REASON_ARMED);
	/* arm-2, arm-3, arm-4; the latter two for CONTROL_ARM, which does not look */
	if (pair->failures == failures && pair->permitted && !pair->held)
		return true;
	latch_leave(pair, REASON_SETTLING);
	return false;
}

/* Called while not armed, and only then: nothing of this costs anything on the way through the VF. */
static __always_inline bool latch_return(struct pair *pair, u32 slot)
{
	u64 failures = latch_add(&pair->failures, 0); /* return-1: what follows is read after it */
	u64 since = pair->usable_since; /* return-2 */
	u64 dev, now, epoch;

	if (!pair->permitted) /* return-3 */
		return false;
	dev = pair->vf_dev; /* return-4 */
	if (!dev || !both_present(slot))
		return false;
	if (pair->held || !usable_again(device_state(dev))) { /* return-5, return-6 */
		pair->usable_since = 0; /* return-8 */
		return false;
	}
	/* Not that of events: a VF that slept in suspend was not usable. */
	now = bpf_ktime_get_ns(); /* the coarse clock would be 4 ms wrong at either end of the settle time */
	epoch = device_carrier_epoch(dev);
	if (!since || pair->carrier_epoch != epoch) {
		pair->carrier_epoch = epoch;
		pair->usable_since = now; /* return-7 */
		return false;
	}
	/* Signed: another CPU may have set `since` after we read the clock. */
	if ((s64)(now - since) < (s64)pair->settle_ns)
		return false;
	return latch_arm(pair, failures);
}

#endif
