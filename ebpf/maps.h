/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps, and the only place that speaks bcc's dialect: map methods (`pairs.lookup`) stand in these accessors alone,
 * so that a build with libbpf needs another version of this file and of nothing else.
 */
#ifndef __NETVSC_BPF_MAPS_H
#define __NETVSC_BPF_MAPS_H

#include "abi.h"

/* Let later programs and filters run; the same number as TCX_NEXT. */
#define TC_ACT_UNSPEC (-1)
#define TC_ACT_SHOT 2

#if !defined(PAIRS_ADDRESS) || !defined(HOMES_ADDRESS) || !defined(COUNTERS_ADDRESS) || \
	!defined(OWN_PAIR_ADDRESS) || !defined(OWN_COUNTERS_ADDRESS) || !defined(OWN_SLOT)
#error "addresses of maps are missing: compile through netvsc_bpf.kernel.compile.child"
#endif
#ifndef RUNG
#error "the rung is missing: compile through netvsc_bpf.kernel.compile.child"
#endif

/*
 * What every packet needs lies in arrays of one large entry. Such an entry has an address that the verifier knows, and
 * which the loader puts where these numbers stand (kernel/bpf/map_addresses.py): no key on the stack, no bounds check,
 * no pointer that may be NULL. Userspace maps them into its memory.
 *
 * `pairs`: slot of a synthetic NIC -> its state. `homes`: slot of a VF -> its pair. `counters`: CPU and slot of a pair ->
 * its counters; not a per-CPU array, whose entries have no such address.
 *
 * To bcc they are bytes: it writes code that prints and parses each number of a map's type, unrolled, and for these
 * thousands of them that took two seconds of each attach. In BTF they are what they are.
 */
enum {
	PAIRS_SIZE = sizeof(struct pairs),
	HOMES_SIZE = sizeof(struct homes),
	COUNTERS_SIZE = sizeof(struct all_counters),
};

#define ENTRY_MAP(name, type, size)                                           \
	struct name##_bytes {                                                 \
		char bytes[size];                                             \
	};                                                                    \
	struct name##_table_t {                                               \
		u32 key;                                                      \
		struct name##_bytes leaf;                                     \
		u32 max_entries;                                              \
		int flags;                                                    \
	};                                                                    \
	__attribute__((section("maps/array"))) struct name##_table_t name = { \
		.max_entries = 1,                                             \
		.flags = BPF_F_MMAPABLE,                                      \
	};                                                                    \
	BPF_ANNOTATE_KV_PAIR(name, u32, struct type)

ENTRY_MAP(pairs, pairs, PAIRS_SIZE);
ENTRY_MAP(homes, homes, HOMES_SIZE);
ENTRY_MAP(counters, all_counters, COUNTERS_SIZE);

/* A number that the compiler must not calculate with: it is none. */
#define ENTRY_AT(type, address)                                \
	({                                                     \
		struct type *entry = (struct type *)(address); \
		asm("" : "+r"(entry));                         \
		entry;                                         \
	})

/*
 * Slot of a pair -> its VF, and NIC_SLOTS further on its synthetic NIC. The kernel deletes the entry of a device that
 * unregisters or leaves the network namespace, with nobody's help. Only tc programs may use it: a DEVMAP belongs to the
 * program type that used it first (__bpf_prog_map_compatible()).
 */
BPF_TABLE("devmap", u32, u32, paths, 2 * NIC_SLOTS);

/* Changes of path. When nobody reads it fills up and later events are lost; pair.changes is never. */
BPF_RINGBUF_OUTPUT(path_events, 16);

/* Userspace's own: see abi.h. */
BPF_TABLE("array", u32, struct found, found_state, NIC_SLOTS);
BPF_TABLE("array", u32, struct layout, layout, 1);

/* Keeps what only few packets need out of the way of the others: the compiler moves nothing past it. */
static __always_inline void cold_path(void)
{
	asm volatile("");
}

static __always_inline struct pair *pair_at(u32 slot)
{
	return &ENTRY_AT(pairs, PAIRS_ADDRESS)->at[slot % NIC_SLOTS];
}

static __always_inline u32 *vf_at(u32 slot)
{
	return paths.lookup(&slot);
}

static __always_inline u32 *synthetic_at(u32 slot)
{
	u32 key = NIC_SLOTS + slot;

	return paths.lookup(&key);
}

/* Both halves are registered, and in the network namespace that they were attached in. */
static __always_inline bool both_present(u32 slot)
{
	return vf_at(slot) && synthetic_at(slot);
}

static __always_inline struct home *home_at(u32 slot)
{
	return &ENTRY_AT(homes, HOMES_ADDRESS)->at[slot % NIC_SLOTS];
}

/* Counters of a pair on this CPU, by `cpu` from this_cpu(). Masked for the verifier, as the slot is. */
static __always_inline struct counters *counters_at(u32 cpu, u32 slot)
{
	return &ENTRY_AT(all_counters, COUNTERS_ADDRESS)->of[cpu % CPU_SLOTS].at[slot % NIC_SLOTS];
}

/*
 * What steer, home and guard are attached to may move to another network namespace and get the number of another pair's
 * NIC. So they never search by number: each pair has copies of its own, and where these numbers stand the loader puts
 * the address of the pair and of its counters, and the slot (netvsc_bpf/kernel/bpf/program_templates.py).
 */
static __always_inline struct pair *own_pair(void)
{
	return ENTRY_AT(pair, OWN_PAIR_ADDRESS);
}

static __always_inline u32 own_slot(void)
{
	u64 slot = OWN_SLOT;

	asm("" : "+r"(slot));
	return slot;
}

/* The same of our own pair. */
static __always_inline struct counters *own_counters(u32 cpu)
{
	u64 at = (u64)(cpu % CPU_SLOTS) * sizeof(struct cpu_counters);

	return (void *)ENTRY_AT(counters, OWN_COUNTERS_ADDRESS) + at;
}

/* To the compiler this is a call: ask first of all, and there is nothing yet that has to be kept across it. */
static __always_inline u32 this_cpu(void)
{
	return bpf_get_smp_processor_id();
}

static __always_inline void emit(struct path_event *event)
{
	path_events.ringbuf_output(event, sizeof(*event), 0);
}

/*
 * Find the pair of a synthetic NIC; the slot is the answer's address in every per-pair map. The number may be that of a
 * device in another network namespace: compare the device as well.
 */
static __always_inline struct pair *pair_of(u32 ifindex, u32 *slot)
{
#pragma unroll
	for (u32 probe = 0; probe < SLOT_PROBES; probe++) {
		struct pair *pair;

		*slot = (ifindex + probe) % NIC_SLOTS;
		pair = pair_at(*slot);
		if (pair->synthetic_ifindex == ifindex)
			return pair;
	}
	return NULL;
}

/* Find the home of a VF; compare the device as well. */
static __always_inline struct home *home_of(u32 ifindex)
{
#pragma unroll
	for (u32 probe = 0; probe < SLOT_PROBES; probe++) {
		struct home *home = home_at(ifindex + probe);

		if (home->vf_ifindex == ifindex)
			return home;
	}
	return NULL;
}

static __always_inline void count(struct traffic *traffic, u64 bytes)
{
	traffic->packets += 1;
	traffic->bytes += bytes;
}

#endif
