/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of ebpf/ find here in place of the kernel and of bcc: they are compiled for this machine, each step
 * where another CPU could come in between is a call (fibers.c), and the kernel is a struct or two.
 */
#ifndef __TESTS_HOST_H
#define __TESTS_HOST_H

#include <stddef.h>
#include <stdint.h>

typedef int8_t s8;
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef long long s64;
typedef _Bool bool;
#define true 1
#define false 0

#undef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#define likely(x) (x)
#define unlikely(x) (x)

#define XDP_DROP 1
#define XDP_PASS 2
#define BPF_F_INGRESS 1
#define BPF_F_MMAPABLE 0

struct __sk_buff {
	u64 data, data_end;
	u32 len, pkt_type, ifindex, ingress_ifindex, queue_mapping, vlan_tci, cb[5];
};

struct xdp_md {
	u64 data, data_end;
	u32 ingress_ifindex;
	u32 in_fragments; /* bytes of the frame behind data_end, in other buffers */
};

struct bpf_raw_tracepoint_args {
	u64 args[2];
};

/* A device as far as the programs look at it; tests change it by ctypes (host.py). */
struct host_device {
	u64 state;
	u64 net;
	u32 ifindex, carrier_up, carrier_down;
	u8 dismantle;
};

struct host_entry { /* struct bpf_dtab_netdev */
	struct host_device *dev;
	u32 ifindex, unused;
};

#define HOST_SLOTS 512
#define HOST_CPUS 1

extern struct host_device host_devices[4];
extern struct host_entry host_paths[2 * HOST_SLOTS];
extern char host_pairs[], host_homes[], host_counters[], host_evidence[];
extern u64 host_now, host_redirected_to;

long host_read_kernel(void *to, u32 size, const void *from);
u32 *host_path(u32 *slot);
u64 host_length(const struct xdp_md *ctx);
int host_event(void *event, size_t size, u64 flags);
int bpf_redirect(u32 ifindex, u64 flags);
long bpf_skb_store_bytes(struct __sk_buff *skb, u32 offset, const void *from, u32 length,
			 u64 flags);
long bpf_skb_load_bytes(const struct __sk_buff *skb, u32 offset, void *to, u32 length);
#define bpf_xdp_get_buff_len(ctx) host_length(ctx)
#define bpf_ktime_get_ns() host_now
#define bpf_ktime_get_boot_ns() host_now
#define bpf_ktime_get_coarse_ns() host_now
#define bpf_get_smp_processor_id() 0
#define BPF_FUNC_probe_read_kernel host_read_kernel

#define BPF_ANNOTATE_KV_PAIR(name, key, leaf) struct name##_annotated
#define BPF_TABLE(kind, key, leaf, name, entries) \
	static __attribute__((unused)) struct {   \
		leaf *(*lookup)(key *);           \
	} name = { (leaf * (*)(key *)) host_path }
#define BPF_RINGBUF_OUTPUT(name, pages)                     \
	static struct {                                     \
		int (*ringbuf_output)(void *, size_t, u64); \
	} name = { host_event }
#define KFUNC_PROBE(name, args...) int kfunc_##name(args)
#define KRETFUNC_PROBE(name, args...) int kretfunc_##name(args)

#define XDP_FRAGS 1
#define CPU_SLOTS HOST_CPUS
#define RDONLY_CAST_TYPE 0
#define NET_DEVICE_STATE offsetof(struct host_device, state)
#define NET_DEVICE_NET offsetof(struct host_device, net)
#define NET_DEVICE_IFINDEX offsetof(struct host_device, ifindex)
#define NET_DEVICE_CARRIER_UP offsetof(struct host_device, carrier_up)
#define NET_DEVICE_CARRIER_DOWN offsetof(struct host_device, carrier_down)
#define NET_DEVICE_DISMANTLE offsetof(struct host_device, dismantle)
#define DEVMAP_VAL_TO_DEV (offsetof(struct host_entry, ifindex) - offsetof(struct host_entry, dev))
#define NOTIFIER_INFO_DEV 0
#define NETDEV_PRECHANGEUPPER 26

#define PAIRS_ADDRESS host_pairs
#define HOMES_ADDRESS host_homes
#define COUNTERS_ADDRESS host_counters
#define EVIDENCE_ADDRESS host_evidence
/* The pair that the tests have is in slot 0. */
#define OWN_PAIR_ADDRESS host_pairs
#define OWN_COUNTERS_ADDRESS host_counters
#define OWN_EVIDENCE_ADDRESS host_evidence
#define OWN_SLOT 0

struct __sk_buff;
int home_rest(struct __sk_buff *skb);
#define REST_PLACEHOLDER home_rest

#endif
