/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Distinguishes copies of frames from frames that arrive once.
 *
 * A switch may deliver a frame to both NICs of a pair: broadcast, multicast, and unicast for a MAC that it has not
 * learned. Or by the inactive path only, for example while it still sends to the port of before. So a frame is dropped
 * only on evidence (DESIGN: "once is better than never"), in this order:
 *
 * 1. It arrived by the inactive path and its source is ours: the synthetic NIC's own MAC, or one that steer saw sent by
 *    a device above it within SENDER_TICKS. It has come back, and a bridge above would learn its own stations there.
 * 2. It is unicast, arrived by the inactive path, and the active path has delivered unicast to the same station since
 *    the change of path, and within HOLDS_NS (HOLDS_TICKS for other stations than the synthetic NIC itself).
 * 3. The same frame arrived by the other path, more often than by this one, within COPY_TICKS.
 *
 * Rule 3 needs a hash of each frame, so most frames never get there: plain unicast, which is untagged and for the
 * synthetic NIC's own MAC, is neither hashed nor remembered once there is evidence that the active path delivers it.
 * Its packet counters show whether that is still so.
 */
#ifndef __NETVSC_BPF_EVIDENCE_H
#define __NETVSC_BPF_EVIDENCE_H

#include "abi.h"
#include "maps.h"

#define TICK_SHIFT 22 /* ticks of 4.2 ms: the coarse clock has no more; 16 bits of them are 275 s */
#define COPY_TICKS 24 /* 100 ms: how much later the slower path delivers */
#define HOLDS_NS 100000000ULL
#define HOLDS_TICKS 24
#define SENDER_TICKS 480 /* 2 s: how long a frame may take to come back */
#define MOST_AHEAD 8 /* copies of identical frames that are waited for */

#define ETH_HLEN 14
#define VLAN_HLEN 4
#define VLAN_VID_MASK 0x0fff /* include/linux/if_vlan.h */

#define VLAN_UNKNOWN 0xffff /* the NIC removes tags before XDP, so this frame may have had one */

/* The parts of a frame that decide. */
struct frame {
	u64 to, from; /* as mac_at() returns them */
	u16 vlan; /* id, 0: untagged */
	bool group;
};

/* A MAC as a number: its first byte is the lowest. Userspace uses the same for pair.address. */
static __always_inline u64 mac_at(const u8 *address)
{
	return *(const u32 *)address | (u64) * (const u16 *)(address + 4) << 32;
}

/* Read what is in every frame; `data` has at least ETH_HLEN bytes. */
static __always_inline void read_macs(struct frame *frame, const u8 *data)
{
	frame->to = mac_at(data);
	frame->from = mac_at(data + 6);
	frame->group = data[0] & 1; /* broadcast and multicast (IEEE 802.3, 3.2.3) */
}

/* Whether the type of a frame is 802.1Q or 802.1ad (include/uapi/linux/if_ether.h). */
static __always_inline bool is_vlan(const u8 *type)
{
	u16 protocol = *(const u16 *)type; /* in network byte order */

	return protocol == 0x0081 || protocol == 0xa888;
}

/* Multiplication by an odd constant moves each bit to all higher ones (Knuth, vol. 3, 6.4). */
static __always_inline u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

static __always_inline u16 ticks_now(void)
{
	return bpf_ktime_get_coarse_ns() >> TICK_SHIFT;
}

static __always_inline bool within(u16 since, u16 ticks)
{
	return (u16)(ticks_now() - since) <= ticks;
}

/*
 * Masks of all bits or none, without a branch: each branch here would double what the verifier has to follow for each
 * entry and in each attempt. LLVM would make branches of what it sees through.
 */
static __always_inline u64 if_zero(u64 value)
{
	u64 negative = -value;

	asm volatile("" : "+r"(negative));
	return ~((s64)(value | negative) >> 63);
}

static __always_inline u64 if_less(u16 value, u16 than)
{
	s64 difference = (s64)value - than;

	asm volatile("" : "+r"(difference));
	return difference >> 63;
}

/* Store a word whose lower bits are the tick: at most one write a tick, so that CPUs can share its cache line. */
static __always_inline void store_if_new(u64 *entry, u64 word)
{
	if (*entry != word)
		*entry = word;
}

/* Entries that a sender, or a frame, may be in: those that come in a burst seldom share them all. */
#define WAYS 4

/*
 * The hash of a station. MACs often differ in their last byte alone, which mix() does not move to the lower bits: what
 * selects an entry are the highest bits, which depend on all others.
 */
static __always_inline u64 station_hash(u64 address, u16 vlan)
{
	return mix(0, address | (u64)vlan << 48);
}

#define HIGHEST_BITS(hash, values) ((hash) / (~0ULL / (values) + 1))

/* Return the entry of a sender, else the one that was used longest ago. */
static __always_inline u64 *sender_entry(u64 hash, u16 now)
{
	u64 *first = &own_evidence()->senders[HIGHEST_BITS(hash, EVIDENCE_SENDERS / WAYS) * WAYS];
	u64 found = 0, has = 0, oldest = 0, longest = 0;

#pragma clang loop unroll(full)
	for (u32 way = 0; way < WAYS; way++) {
		u64 word = *(volatile const u64 *)&first[way];
		u64 same = if_zero((word ^ hash) & ~0xffffULL);
		u64 age = (u16)(now - word) | (if_zero(word) & 0xffff);
		u64 older = if_less(longest, age);

		/* Not both: two CPUs may have noted one sender in two entries. */
		found = (found & ~same) | (same & way);
		has |= same;
		oldest = (oldest & ~older) | (older & way);
		longest = (longest & ~older) | (older & age);
	}
	return &first[((found & has) | (oldest & ~has)) % WAYS];
}

/* Rule 1: remember that a device above the synthetic NIC sent from this MAC. */
static __always_inline void note_sender(u64 from)
{
	u64 hash = station_hash(from, 0);
	u16 now = ticks_now();

	store_if_new(sender_entry(hash, now), (hash & ~0xffffULL) | now);
}

static __always_inline bool is_own(struct pair *pair, u64 from)
{
	u64 hash = station_hash(from, 0), word;

	if (from == pair->address)
		return true;
	if (pair->plain_ifindex) /* nothing above sends from a MAC of its own: steer notes no source */
		return false;
	word = *sender_entry(hash, ticks_now());
	return !((word ^ hash) & ~0xffffULL) && within(word, SENDER_TICKS);
}

/* Frames of plain unicast that a path has delivered. */
static __always_inline u64 delivered_by(enum pair_path path)
{
	u64 sum = 0;

#pragma clang loop unroll(disable)
	for (u32 cpu = 0; cpu < CPU_SLOTS; cpu++) {
		struct counters *counters = own_counters(cpu);

		sum += counters->rx[path].packets - counters->compared[path];
	}
	return sum;
}

static __always_inline bool is_plain(struct pair *pair, struct frame *frame)
{
	return frame->to == pair->address && !frame->vlan;
}

/*
 * Rule 2 for plain unicast. If the active path has delivered nothing for HOLDS_NS, the evidence is void: the fabric may
 * have moved the MAC by itself. That costs what arrived by the inactive path within HOLDS_NS, and nothing later.
 */
static __always_inline bool plain_holds(struct pair *pair, enum pair_path active)
{
	u64 now, delivered;

	if (pair->delivered_epoch != pair->epoch + 1)
		return false;
	now = bpf_ktime_get_coarse_ns();
	if (now - pair->delivered_at < HOLDS_NS)
		return true;
	delivered = delivered_by(active);
	if (delivered == pair->delivered) {
		pair->settled_ifindex = 0;
		pair->delivered_epoch = 0;
		return false;
	}
	pair->delivered = delivered;
	pair->delivered_at = now;
	return true;
}

static __always_inline u64 *station(struct pair *pair, struct frame *frame, u64 *word)
{
	u64 hash = station_hash(frame->to, frame->vlan);

	*word = (hash & ~0xffffffffULL) | (pair->epoch & 0xffff) << 16;
	return &own_evidence()->targets[HIGHEST_BITS(hash, EVIDENCE_STATIONS)];
}

/* Rule 2 for all other stations. */
static __always_inline bool station_holds(struct pair *pair, struct frame *frame)
{
	u64 word, noted = *station(pair, frame, &word);

	if (frame->vlan == VLAN_UNKNOWN)
		return false;
	return !((noted ^ word) & ~0xffffULL) && within(noted, HOLDS_TICKS);
}

enum verdict {
	DELIVER,
	DROP,
	COMPARE, /* rule 3 decides */
};

/* Modes `multicast` and `all`, which assume that the fabric delivers such frames to both NICs. */
static __always_inline bool is_assumed_copy(struct pair *pair, struct frame *frame,
					    enum pair_path path)
{
	return frame->group || (pair->guard == GUARD_ALL && path == PATH_SYNTHETIC);
}

/*
 * What rules 1 and 2 say of a frame that arrived by `path`. What there is evidence for by the active path has not been
 * delivered by the inactive one, so that it need not be compared.
 */
static __always_inline enum verdict judge(struct pair *pair, struct frame *frame,
					  enum pair_path path)
{
	bool active = path == (pair->armed ? PATH_VF : PATH_SYNTHETIC);
	bool holds;

	if (pair->guard == GUARD_OFF || pair->facts & FACT_GUARD_MOVES)
		return DELIVER;
	if (!active && is_own(pair, frame->from))
		return DROP;
	if (pair->guard != GUARD_EVIDENCE)
		return !active && is_assumed_copy(pair, frame, path) ? DROP : DELIVER;
	if (frame->group)
		return COMPARE;
	if (!is_plain(pair, frame))
		holds = station_holds(pair, frame);
	else if (active)
		holds = pair->delivered_epoch == pair->epoch + 1;
	else
		holds = plain_holds(pair, path == PATH_VF ? PATH_SYNTHETIC : PATH_VF);
	if (!holds)
		return COMPARE;
	return active ? DELIVER : DROP;
}

/* The active path has delivered unicast to a station, or its copy was faster. */
static __always_inline void note_delivery(struct pair *pair, struct frame *frame)
{
	u64 word, *entry;

	if (is_plain(pair, frame)) {
		/* Not summed here: so the first look at the counters may find what was delivered before. */
		pair->delivered = 0;
		pair->delivered_at = bpf_ktime_get_coarse_ns();
		pair->delivered_epoch = pair->epoch + 1;
		return;
	}
	entry = station(pair, frame, &word);
	store_if_new(entry, word | ticks_now());
}

/* Return which of the entries from `first` on has the frame, else one that is not needed any more, else the first. */
static __always_inline u32 way_of(const u64 *first, u64 key, u16 now)
{
	u64 found = 0, unneeded = 0, has = 0;

#pragma clang loop unroll(full)
	for (u32 way = 0; way < WAYS; way++) {
		u64 word = *(volatile const u64 *)&first[way];
		u64 same = if_zero((word ^ key) & ~0xffffffULL);
		/* Both copies have arrived, or the other one will not. */
		u64 over = if_zero(word & 0xff) | ~if_less(now - (word >> 8), COPY_TICKS + 1);

		found |= same & way;
		has |= same;
		unneeded = (unneeded & ~over) | (over & way);
	}
	return (found & has) | (unneeded & ~has);
}

/*
 * Rule 3: count the arrival of a frame by a path. An entry has 32 bits of the hash, 8 of the epoch, the tick of the last
 * arrival, and by how many arrivals the VF is ahead of the synthetic NIC. Several CPUs may have the same frame.
 */
static __always_inline bool is_copy(struct pair *pair, u64 hash, enum pair_path path)
{
	u64 *first = &own_evidence()->frames[hash % (EVIDENCE_FRAMES / WAYS) * WAYS];
	u64 key = (hash & ~0xffffffffULL) | (pair->epoch & 0xff) << 24;
	u64 now = ticks_now();

	if (!hash)
		return false;
#pragma clang loop unroll(disable)
	for (u32 attempt = 0; attempt < 3; attempt++) {
		u64 *entry = &first[way_of(first, key, now) % WAYS];
		u64 before = *(volatile u64 *)entry, after;
		s64 ahead = (s8)before & if_zero((before ^ key) & ~0xffffffULL);

		ahead &= if_less(now - (before >> 8), COPY_TICKS + 1);
		/* From here on: by how many arrivals the frame's own path is ahead. */
		if (path == PATH_SYNTHETIC)
			ahead = -ahead;
		if (ahead >= MOST_AHEAD)
			return false;
		after = path == PATH_SYNTHETIC ? -(ahead + 1) : ahead + 1;
		after = key | now << 8 | (after & 0xff);
		if (__sync_val_compare_and_swap(entry, before, after) == before)
			return ahead < 0;
	}
	return false;
}

#endif
