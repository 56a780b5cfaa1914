/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The latch decides the path of a pair: it leaves the VF at once and returns to it after the settle time.
 *
 * A program that finds the VF dead calls latch_leave(): steer on a packet, the sentinel in a traced kernel function,
 * or control on behalf of userspace. A program that finds it usable again calls latch_return(), which arms the pair
 * once the VF has been usable for the settle time.
 *
 * The two may run on different CPUs at the same time. Leaving clears usable_since, then increments `failures`, then
 * disarms. Arming reads `failures`, checks the VF, arms, and reads `failures` again: if it changed, the check was
 * outdated and the arming is undone. So a VF that failed is never left armed, whichever CPU is faster.
 *
 * The steps have names (leave-1), which the model in tests/unit/latch uses too; it goes through every order. On a CPU
 * that reorders (arm64) only a barrier keeps a plain load or store in its place, and an atomic addition whose result
 * is unused is not a barrier. leave-2 and return-1 have barriers: otherwise a check could be older than the `failures`
 * read before it, and a permission could become visible before the fields that it covers. leave-3 and arm-1 exchange
 * the same word: one of them sees the other, and all writes before it.
 *
 * A CPU that stalls between its check and return-7 stores a time that is too old. That shortens the settle time by as
 * much, but does not arm a VF that failed: arming takes a new check.
 */
#ifndef __NETVSC_BPF_LATCH_H
#define __NETVSC_BPF_LATCH_H

#include "abi.h"
#include "device.h"
#include "maps.h"

/* Only the CPU that changed `armed` calls this, so that each change is counted and reported once. */
static __always_inline void latch_report(struct pair *pair, enum pair_path to, enum reason reason)
{
	struct path_event event = {
		.at = bpf_ktime_get_boot_ns(), /* includes suspend */
		.synthetic_ifindex = pair->synthetic_ifindex,
		.vf_ifindex = pair->vf_ifindex,
		.to = to,
		.reason = reason,
	};

	/* Evidence of before this change is none any more (evidence.h). */
	__sync_fetch_and_add(&pair->epoch, 1);
	pair->settled_ifindex = 0;
	__sync_fetch_and_add(&pair->changes[to][reason % REASON_COUNT], 1);
	pair->changed_at = event.at;
	pair->reason = reason;
	emit(&event);
}

/*
 * A full barrier: BPF_XCHG is SWPAL on arm64, or a loop followed by a DMB. Exchanging and comparing are the only atomic
 * operations whose result LLVM provides without the instructions of -mcpu=v3, which bcc does not ask for.
 */
static __always_inline void latch_barrier(void)
{
	u64 word = 0, *place = &word;

	asm volatile("" : "+r"(place));
	word = __sync_lock_test_and_set(place, 0);
	asm volatile("" : : "r"(word) : "memory");
}

/* The number of failures; what is read after this call is read after it. */
static __always_inline u64 latch_failures(const struct pair *pair)
{
	u64 failures = *(volatile const u64 *)&pair->failures;

	latch_barrier();
	return failures;
}

/* Invalidate checks that have begun. Checks that begin after this see all earlier writes. */
static __always_inline void latch_invalidate(struct pair *pair)
{
	pair->usable_since = 0; /* leave-1 */
	latch_barrier();
	__sync_fetch_and_add(&pair->failures, 1); /* leave-2 */
	latch_barrier();
}

/* The VF failed or was removed, which was not decided here: LOSSES of netvsc_bpf/planner/damping.py. */
#define LOSSES                                                                    \
	(1 << REASON_VF_DOWN | 1 << REASON_NO_CARRIER | 1 << REASON_VF_DETACHED | \
	 1 << REASON_VF_GONE | 1 << REASON_TX_TIMEOUT | 1 << REASON_STALLED |     \
	 1 << REASON_UNREACHABLE)

/*
 * With the return policy `manual` the first failure is the last. A CPU may have armed again before leave-5, which takes
 * two checks a settle time apart while this CPU was stalled. As with leave-3 and arm-1, one of leave-6 and arm-1 sees
 * the other: either arm-5 finds the return pending, or leave-6 finds the pair armed.
 */
static __always_inline void latch_hold(struct pair *pair)
{
	pair->returns = RETURN_PENDING; /* leave-5 */
	if (__sync_lock_test_and_set(&pair->armed, 0)) /* leave-6 */
		latch_report(pair, PATH_SYNTHETIC, REASON_MANUAL);
}

static __always_inline void latch_leave(struct pair *pair, enum reason reason)
{
	latch_invalidate(pair);
	if (!__sync_lock_test_and_set(&pair->armed, 0)) /* leave-3 */
		return;
	latch_report(pair, PATH_SYNTHETIC, reason);
	if (unlikely(pair->returns == RETURN_MANUAL) && LOSSES >> reason & 1) /* leave-4 */
		latch_hold(pair);
}

static __always_inline bool latch_arm(struct pair *pair, u64 failures)
{
	if (__sync_val_compare_and_swap(&pair->armed, 0, 1)) /* arm-1 */
		return true; /* another CPU was first */
	latch_report(pair, PATH_VF, REASON_ARMED);
	/* arm-2, arm-3, arm-4, arm-5; all but the first for CONTROL_ARM, which does not check the VF */
	if (pair->failures == failures && pair->permitted && !pair->held &&
	    pair->returns != RETURN_PENDING)
		return true;
	latch_leave(pair, REASON_SETTLING);
	return false;
}

/* Check the VF, and arm if it has settled. Called only while not armed: no cost while the VF is the path. */
static __always_inline bool latch_return(struct pair *pair, u32 slot)
{
	u64 failures = latch_failures(pair); /* return-1 */
	u64 since = pair->usable_since; /* return-2 */
	u64 dev, now, epoch;

	if (!pair->permitted || pair->returns == RETURN_PENDING) /* return-3, return-9 */
		return false;
	dev = pair->vf_dev; /* return-4 */
	if (!dev || !both_present(slot))
		return false;
	if (pair->held || !usable_again(device_state(dev))) { /* return-5, return-6 */
		pair->usable_since = 0; /* return-8 */
		return false;
	}
	/* Unlike the clock of events, this one stops in suspend, when the VF is not usable. */
	now = bpf_ktime_get_ns(); /* the coarse clock would be off by 4 ms at either end of the settle time */
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
