/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps and their accessors. Only this file uses bcc's dialect, such as map methods (`paths.lookup`), so that a
 * build with libbpf needs another version of this file only.
 */
#ifndef __NETVSC_BPF_MAPS_H
#define __NETVSC_BPF_MAPS_H

#include "abi.h"

/* Continue with later programs and filters; equal to TCX_NEXT. */
#define TC_ACT_UNSPEC (-1)
#define TC_ACT_SHOT 2

#if !defined(PAIRS_ADDRESS) || !defined(HOMES_ADDRESS) || !defined(COUNTERS_ADDRESS) ||       \
	!defined(OWN_PAIR_ADDRESS) || !defined(OWN_COUNTERS_ADDRESS) || !defined(OWN_SLOT) || \
	!defined(OWN_EVIDENCE_ADDRESS)
#error "addresses of maps are missing: compile through netvsc_bpf.kernel.compile.compiler"
#endif
#ifndef REST_PLACEHOLDER
#error "REST_PLACEHOLDER is missing: compile through netvsc_bpf.kernel.compile.compiler"
#endif
#ifndef RUNG
#error "RUNG is missing: compile through netvsc_bpf.kernel.compile.compiler"
#endif

/*
 * The maps used for every packet are arrays of one large entry. The verifier knows the address of such an entry, and
 * the loader replaces the placeholders below with it (kernel/bpf/map_addresses.py): no key on the stack, no bounds
 * check, no pointer that may be NULL. Userspace maps these arrays into its memory.
 *
 * `pairs`: slot of a synthetic NIC -> its state. `homes`: slot of a VF -> its pair. `counters`: CPU and slot of a
 * pair -> its counters; not a per-CPU array, because the entries of one have no such address. `evidence`: slot of a
 * pair -> what distinguishes copies of frames (evidence.h).
 *
 * For bcc their type is a byte array: it generates code that prints and parses each member of a map's type, unrolled,
 * and for these thousands of members that took two seconds of each attach. In BTF they have their real type.
 */
enum {
	PAIRS_SIZE = sizeof(struct pairs),
	HOMES_SIZE = sizeof(struct homes),
	COUNTERS_SIZE = sizeof(struct all_counters),
	EVIDENCE_SIZE = sizeof(struct all_evidence),
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
ENTRY_MAP(evidence, all_evidence, EVIDENCE_SIZE);

/* The asm hides the placeholder from the compiler, which must not compute with it. */
#define ENTRY_AT(type, address)                                \
	({                                                     \
		struct type *entry = (struct type *)(address); \
		asm("" : "+r"(entry));                         \
		entry;                                         \
	})

/*
 * Slot of a pair -> its VF; slot + NIC_SLOTS -> its synthetic NIC. The kernel itself deletes the entry of a device
 * that unregisters or leaves the network namespace. Only tc programs may use the map: a DEVMAP belongs to the program
 * type that used it first (__bpf_prog_map_compatible()).
 */
BPF_TABLE("devmap", u32, u32, paths, 2 * NIC_SLOTS);

/* Changes of path. Without a reader it fills up and later events are lost; pair.changes counts them all the same. */
BPF_RINGBUF_OUTPUT(path_events, 16);

/* Used by userspace only: see abi.h. */
BPF_TABLE("array", u32, struct found, found_state, NIC_SLOTS);
BPF_TABLE("array", u32, struct layout, layout, 1);

/* Keeps the code of a rare case out of the common path: the compiler moves nothing across it. */
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

/*
 * Calls the function <program>_rest, which handles what is rare: the loader links it to the program
 * (netvsc_bpf/kernel/bpf/subprograms.py). Inlined, it would have the common path save the registers that it needs.
 */
static int (*call_rest)(struct __sk_buff *skb) = (void *)REST_PLACEHOLDER;

/* Both NICs are registered, and in the network namespace that they were attached in. */
static __always_inline bool both_present(u32 slot)
{
	return vf_at(slot) && synthetic_at(slot);
}

static __always_inline struct home *home_at(u32 slot)
{
	return &ENTRY_AT(homes, HOMES_ADDRESS)->at[slot % NIC_SLOTS];
}

/* Counters of a pair on a CPU, as returned by this_cpu(). Masked for the verifier, as the slot is. */
static __always_inline struct counters *counters_at(u32 cpu, u32 slot)
{
	return &ENTRY_AT(all_counters, COUNTERS_ADDRESS)->of[cpu % CPU_SLOTS].at[slot % NIC_SLOTS];
}

/*
 * A NIC that steer, home or guard is attached to may move to another network namespace and get the ifindex of another
 * pair's NIC there. So these programs never search by ifindex: each pair has its own copies, in which the loader
 * replaces these placeholders with the address of the pair and of its counters, and with the slot
 * (netvsc_bpf/kernel/bpf/program_templates.py).
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

/* Counters of the program's own pair on a CPU. */
static __always_inline struct counters *own_counters(u32 cpu)
{
	u64 at = (u64)(cpu % CPU_SLOTS) * sizeof(struct cpu_counters);

	return (void *)ENTRY_AT(counters, OWN_COUNTERS_ADDRESS) + at;
}

static __always_inline struct evidence *own_evidence(void)
{
	return ENTRY_AT(evidence, OWN_EVIDENCE_ADDRESS);
}

/* The compiler treats this as a call. Call it first, when no values have to be kept across it. */
static __always_inline u32 this_cpu(void)
{
	return bpf_get_smp_processor_id();
}

static __always_inline void emit(struct path_event *event)
{
	path_events.ringbuf_output(event, sizeof(*event), 0);
}

/*
 * Find the pair of a synthetic NIC, and its slot, which is its index in every per-pair map. A device in another network
 * namespace may have the same ifindex: the caller has to compare the device as well.
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

/* Find the home of a VF; the caller has to compare the device as well. */
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
