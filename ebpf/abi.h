/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types and constants that the programs share with userspace.
 *
 * kernel/bpf/abi.py mirrors this file; tests/kernel/test_abi.py compares the two through the BTF of the loaded
 * maps. A change of layout or of meaning raises ABI_VERSION: objects pinned with another version are never reused.
 */
#ifndef __NETVSC_BPF_ABI_H
#define __NETVSC_BPF_ABI_H

#define ABI_MAGIC 0x6e767362 /* "nvsb" */
#define ABI_VERSION 5

/*
 * Open addressing: the slot of a NIC is its ifindex modulo NIC_SLOTS, or one of the next when that is taken. Userspace
 * assigns the slot; the programs probe at most SLOT_PROBES of them.
 */
#define NIC_SLOTS 512
#define SLOT_PROBES 4

/* Value of pair.drained_until: drained until CONTROL_DRAIN with 0. */
#define DRAINED_INDEFINITELY 0xffffffffffffffff

enum pair_path {
	PATH_SYNTHETIC = 0,
	PATH_VF = 1,
	PATH_COUNT = 2,
};

/* Why a pair is on its path; netvsc_bpf.model.path.Reason has the same members in words. */
enum reason {
	REASON_NONE = 0,
	REASON_ARMED = 1,
	REASON_NO_VF = 2,
	REASON_VF_DOWN = 3,
	REASON_NO_CARRIER = 4,
	REASON_VF_DETACHED = 5,
	REASON_VF_GONE = 6,
	REASON_TX_TIMEOUT = 7,
	REASON_SETTLING = 8,
	REASON_SYNTHETIC_DOWN = 9,
	REASON_MTU_REFUSED = 10,
	REASON_DAMPED = 11,
	REASON_DRAINED = 12,
	REASON_NOT_PERMITTED = 13,
	REASON_STALLED = 14,
	REASON_XDP_MISSING = 15,
	REASON_UNREACHABLE = 16,
	REASON_MANUAL = 17,
	REASON_COUNT = 32, /* a power of two, with room for more */
};

/* The fallback levels of failure detection. RUNG, set by the loader, is the one that the programs are compiled for. */
enum liveness {
	LIVENESS_NETLINK = 1,
	LIVENESS_LIVE = 2,
	LIVENESS_FENTRY = 3,
};

enum guard_mode {
	GUARD_OFF = 0,
	GUARD_MULTICAST = 1,
	GUARD_ALL = 2,
	GUARD_EVIDENCE = 3,
};

/* Bits of pair.facts, about the synthetic NIC. */
enum nic_fact {
	FACT_SENDERS = 1, /* devices above it send from addresses of their own */
	FACT_TAGS_HIDDEN = 2, /* VLANs are used above it, and it strips tags before XDP */
	FACT_GENERIC_XDP = 4, /* guard runs in generic mode, where it sees what home redirects */
	FACT_GUARD_MOVES =
		8, /* guard is being attached or detached: nothing is dropped meanwhile, whatever its mode */
};

/* The bits of found.vf_offloads; netvsc_bpf.model.receive_offload.ReceiveOffload has the kernel's names. */
enum receive_offload {
	OFFLOAD_GRO = 0,
	OFFLOAD_GRO_LIST = 1,
	OFFLOAD_UDP_GRO = 2,
	OFFLOAD_LRO = 3,
	OFFLOAD_GRO_HW = 4,
};

/* Whether a VF that failed is used again by itself; netvsc_bpf.model.path.ReturnPolicy. */
enum return_policy {
	RETURN_AUTO = 0,
	RETURN_MANUAL = 1, /* once it fails, the latch makes this RETURN_PENDING */
	RETURN_PENDING = 2, /* it failed: nothing arms the pair before CONTROL_RETURN */
};

/*
 * State of one pair. Its copies of steer, home and guard have the address of this struct compiled in (maps.h,
 * own_pair()).
 *
 * Userspace initialises it before anything is attached, and afterwards changes it only through the control program, so
 * that every later write is atomic.
 */
struct pair {
	/* Read for each packet, together in one cache line. */
	u32 synthetic_ifindex; /* 0: the slot is free */
	u32 plain_ifindex; /* synthetic_ifindex, or 0 while steer has to note the source of each frame */
	u32 vf_ifindex; /* ifindex of vf_dev */
	u32 settled_ifindex; /* home_ifindex once home need not compare plain unicast, otherwise 0 (evidence.h) */
	u64 armed; /* 1: the VF is the path */
	u64 vf_dev; /* struct net_device * of the VF, 0 while not permitted */
	enum guard_mode guard;
	enum reason reason; /* of the last change, or why it is not permitted */

	/* Set by CONTROL_HOME. The sentinel clears home_ifindex when either device leaves this namespace. */
	u32 home_ifindex; /* the VF whose frames home may redirect and count, 0: none */
	u32 redirect_to; /* ifindex of the synthetic NIC, 0: the driver's rx_handler delivers the frames */
	u64 home_dev; /* struct net_device * of that VF, permitted or not; 0 on level `netlink` */
	u64 synthetic_dev; /* struct net_device * of the synthetic NIC; 0 on level `netlink` */

	/* Read only while not armed. */
	u64 permitted; /* 1: userspace allows the VF */
	u64 settle_ns; /* how long the VF must have been usable */
	u64 usable_since; /* CLOCK_MONOTONIC ns of the first check that found it usable, 0: it was not */
	u64 carrier_epoch; /* number of carrier changes at that check: shows a bounce between two checks */
	u64 held; /* 1: the sentinel saw the VF going down and has not seen it come up */
	u64 returns; /* enum return_policy */
	u64 failures; /* incremented at each reason not to use the VF; compared before and after arming */

	/* Written on a change of path. */
	u64 changed_at; /* CLOCK_BOOTTIME ns, 0: never */

	/* Written on a change of path too, and read for frames that may be copies, as what follows it. */
	u64 epoch; /* number of changes: what was evidence before a change is none afterwards */

	/* Read for frames that may be copies (evidence.h). */
	u64 address; /* MAC of the synthetic NIC, as mac_at() returns it */
	u64 facts; /* bits of enum nic_fact */
	u64 delivered_epoch; /* epoch + 1 if the active path has delivered plain unicast since the change */
	u64 delivered_at; /* coarse CLOCK_MONOTONIC ns: until then it did so for certain */
	u64 delivered; /* frames of plain unicast until then */

	/* Set by CONTROL_DRAIN: no permission before then. 0: not drained. */
	u64 drained_until; /* CLOCK_BOOTTIME ns, or DRAINED_INDEFINITELY */

	u64 unused; /* pads to whole cache lines */

	u64 changes[PATH_COUNT][REASON_COUNT]; /* [to][reason] */
};

struct pairs {
	struct pair at[NIC_SLOTS];
};

/* Maps a VF to its pair. Written by userspace before home is attached; read by the sentinel, the watchdog and drops. */
struct home {
	u32 vf_ifindex; /* 0: the slot is free */
	u32 pair_slot;
};

struct homes {
	struct home at[NIC_SLOTS];
};

/* Packets as skbs, bytes with the layer-2 header, in both directions. */
struct traffic {
	u64 packets;
	u64 bytes;
};

/* Per CPU and pair. Written by steer, home, guard and drops; read by userspace, which sums over the CPUs. */
struct counters {
	struct traffic tx[PATH_COUNT];
	struct traffic rx[PATH_COUNT];
	u64 duplicates; /* frames that guard or home dropped */
	u64 lost_home; /* frames that home redirected and the synthetic NIC did not get; written by drops */
	u64 compared[PATH_COUNT]; /* of the frames in rx, those that were no plain unicast or came before evidence */
	u64 unused[4]; /* pads to whole cache lines */
};

struct cpu_counters {
	struct counters at[NIC_SLOTS];
};

/* CPU_SLOTS, set by the loader, is the number of possible CPUs rounded up to a power of two. */
struct all_counters {
	struct cpu_counters of[CPU_SLOTS];
};

#define EVIDENCE_FRAMES 512
#define EVIDENCE_STATIONS 32
#define EVIDENCE_SENDERS 1024

/* What distinguishes the copy of a frame from its only delivery, per pair (evidence.h). Used by the programs only. */
struct evidence {
	u64 frames[EVIDENCE_FRAMES]; /* that arrived a moment ago, and by which path more often */
	u64 targets[EVIDENCE_STATIONS]; /* stations that the active path has delivered unicast to */
	u64 senders[EVIDENCE_SENDERS]; /* stations above the synthetic NIC that have sent */
};

struct all_evidence {
	struct evidence at[NIC_SLOTS];
};

/* One change of path, in the ring buffer. Written by the program that changed it; read by the manager and `events`. */
struct path_event {
	u64 at; /* CLOCK_BOOTTIME ns, that of pair.changed_at */
	u32 synthetic_ifindex;
	u32 vf_ifindex; /* 0: no VF */
	enum pair_path to;
	enum reason reason;
};

/*
 * The original settings of the two NICs, which detach restores. Written and read by userspace only. They are kept in a
 * map because all state is kept in the kernel: there is no state file.
 */
struct found {
	u32 vf_ifindex; /* 0: no VF was configured */
	u32 vf_mtu;
	u8 vf_mac[8]; /* 6 used */
	u32 vf_up;
	u32 vf_addr_gen_mode;
	u32 vf_ipv6_disabled;
	u32 vf_has_ipv6;
	u32 gso_max_size; /* of the synthetic NIC */
	u32 gso_max_segs;
	u32 clsact_added; /* bit 0: on the synthetic NIC, 1: on the VF; 2: home has a filter */
	u32 denied; /* enum reason: why the VF was not permitted, 0: it was */
	u64 rx_packets; /* the synthetic NIC's own counters at attach */
	u64 rx_bytes;
	u64 driver_vf_rx_packets; /* of those, packets that its driver received through VFs (hv_netvsc counts them) */
	u64 driver_vf_rx_bytes;
	u64 vf_tx_dropped; /* the VF's counter at attach */
	u64 tx_dropped_before; /* drops of earlier VFs of this pair */

	/*
	 * The settings of the synthetic NIC that the VF was last given. If the synthetic NIC differs from them, the
	 * VF has to follow; if only the VF differs, it was changed externally.
	 */
	u8 followed_mac[8]; /* 6 used */
	u32 followed_mtu;
	u32 followed_up;
	u32 followed_promisc;
	u32 followed_allmulti;
	enum reason taken_down; /* why the VF is down while the synthetic NIC is up, 0: no reason */
	u32 vf_offloads; /* by enum receive_offload, bits 0 to 15: which were changed, 16 to 31: what they were */
};

/* Version of the maps of this network namespace. Written by the loader; an upgrade updates `build`. */
struct layout {
	u32 magic;
	u32 version;
	enum liveness liveness;
	u32 build; /* of the sources of the programs (netvsc_bpf/kernel/compile/source_digest.py), 0: unknown */
	u64 netns_cookie; /* SO_NETNS_COOKIE, which unlike a namespace's inode number is never reused */
};

/*
 * Commands of the control program, passed in __sk_buff.cb of BPF_PROG_TEST_RUN:
 * cb[0] command, cb[1] slot, cb[2] and cb[3] its argument (low, high). The return value is an enum control_result.
 */
enum control_command {
	CONTROL_PERMIT = 1, /* argument: settle time in ns */
	CONTROL_WITHDRAW = 2, /* argument: enum reason */
	CONTROL_CHECK = 3, /* what steer does on a packet while the pair is not armed */
	CONTROL_ARM =
		4, /* level `netlink` only: userspace found the VF usable for the settle time */
	CONTROL_DISARM = 5, /* argument: enum reason; the permission stays */
	CONTROL_GUARD = 6, /* argument: enum guard_mode */
	CONTROL_HOME = 7, /* argument: home_ifindex (low half) and redirect_to (high half) */
	CONTROL_DRAIN = 8, /* argument: drained_until; 0: end the drain */
	CONTROL_ADDRESS = 9, /* argument: pair.address */
	CONTROL_FACTS = 10, /* argument: pair.facts */
	CONTROL_RETURN = 11, /* argument: RETURN_AUTO or RETURN_MANUAL; ends RETURN_PENDING */
};

enum control_result {
	CONTROL_SYNTHETIC = 0, /* done; the path is synthetic now */
	CONTROL_VF = 1, /* done; the path is the VF now */
	CONTROL_NO_PAIR = 2, /* the slot is free */
	CONTROL_NO_VF = 3, /* the slot has no VF */
	CONTROL_BAD_LAYOUT =
		4, /* the offsets taken from BTF do not lead to the VF: not permitted */
	CONTROL_BAD_COMMAND = 5,
	CONTROL_DRAINED = 6, /* drained by an operator: only the settle time was stored */
	CONTROL_PENDING = 7, /* an operator has to allow the return of the VF: likewise */
};

#endif
