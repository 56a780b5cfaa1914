/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A Hyper-V host inside the guest's own kernel: enough of VMBus, NVSP and RNDIS for an unmodified hv_netvsc.ko.
 *
 *   hv_netvsc --ring--> host thread (host.c) --> nvsp.c --> rndis.c (control), frames.c (frames) --> vswitch.c --> wire
 *   hv_netvsc <--ring-- vswitch.c <-- wire, a network device of this module per NIC, and the VF's port
 *
 * The host is asynchronous, as a real one is: a message waits in the ring until the NIC's own thread takes it.
 */
#ifndef HYPERV_HOST_H
#define HYPERV_HOST_H

#include <linux/etherdevice.h>
#include <linux/hyperv.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/version.h>
#include <linux/wait.h>
#include "exports.h"

#define MAX_CHANNELS 8
#define MAX_GPADLS 4
#define PACKET_MAX 8192 /* the largest packet of a ring; hv_netvsc's are below 1 KiB */

/* How ingress reaches the guest, by the data path that the guest asked for. */
enum gate {
	GATE_STRICT, /* by the data path alone */
	GATE_SPLIT, /* as Azure does: while it is the VF, TCP SYN, broadcast and multicast by VMBus */
	GATE_LENIENT, /* by both */
};

enum counter {
	TX_SYNTHETIC, /* frames from the guest by VMBus */
	TX_SYNTHETIC_BYTES,
	TX_VF, /* by the VF's port */
	RX_SYNTHETIC, /* frames to the guest */
	RX_SYNTHETIC_BYTES,
	RX_VF,
	DROPPED_GATE, /* frames that neither path may deliver */
	DROPPED_FILTER, /* frames that the guest's packet filter does not want */
	DROPPED_FULL, /* no receive section is free */
	REFUSED, /* frames from the guest that are malformed */
	BACKLOGGED, /* packets that found the ring to the guest full, and waited */
	RING_FULL, /* packets of the guest that found its ring full: back-pressure */
	SWITCHED_TO_SYNTHETIC, /* SWITCH_DATA_PATH messages */
	SWITCHED_TO_VF,
	COUNTERS,
};

struct packet { /* waits for room in the ring to the guest */
	struct list_head list;
	u32 length;
	u8 data[];
};

struct channel {
	struct vmbus_channel vmbus;
	struct nic *nic;
	spinlock_t lock; /* the host's end of the ring to the guest */
	bool open;
	struct list_head backlog;
};

struct gpadl { /* guest memory that the host may use: here, the memory itself */
	u32 handle;
	u32 size;
	u8 *buffer;
};

struct nic {
	struct hv_device hv;
	struct list_head list; /* in `nics`, under RCU */
	int index;
	u8 mac[ETH_ALEN];
	struct net_device *wire;

	struct channel channel[MAX_CHANNELS];
	u32 channels;
	struct work_struct offer_work;

	struct task_struct *thread;
	wait_queue_head_t wake;
	struct mutex busy; /* held while a message is handled */
	u8 *message; /* PACKET_MAX bytes of the thread's own */

	spinlock_t lock; /* gpadls, buffers and sections */
	struct gpadl gpadl[MAX_GPADLS];
	u32 last_gpadl;
	u8 *recv, *send;
	u32 mtu, section_size, sections, send_size;
	unsigned long *section_map;

	u32 filter; /* of packets: what the guest wants */
	bool link_down, sriov;
	u32 vf_allocated, vf_serial;
	enum gate gate;
	u32 datapath, datapath_wanted; /* 1: the VF */
	u64 datapath_request;
	ktime_t switched_at;
	struct delayed_work switch_work;

	atomic64_t count[COUNTERS];
};

static inline struct channel *to_channel(struct vmbus_channel *ch)
{
	return container_of(ch, struct channel, vmbus);
}

static inline struct nic *to_nic(struct device *dev)
{
	return container_of(dev, struct nic, hv.device);
}

static inline void add(struct nic *nic, enum counter counter, s64 number)
{
	atomic64_add(number, &nic->count[counter]);
}

#define say(nic, format, ...) dev_info(&(nic)->hv.device, "host: " format "\n", ##__VA_ARGS__)

/* bus.c */
extern struct list_head nics;
int nic_add(const u8 *mac, u32 serial);
int nic_remove(int index);
extern uint queues, switch_ms, delay_us;
extern bool offload;

/* channel.c */
void channels_close(struct nic *nic);
void channels_offer(struct work_struct *work);
u8 *gpadl_buffer(struct nic *nic, u32 handle, u32 *size);

/* ring.c */
int ring_alloc(struct hv_ring_buffer_info *ring, u32 size);
void ring_free(struct hv_ring_buffer_info *ring);
void push(struct channel *channel, const void *packet, u32 length);
u32 outbound_read(struct channel *channel, void *to);
bool outbound_pending(struct channel *channel);
void backlog_free(struct channel *channel);

/* host.c */
int host_start(struct nic *nic);
void host_stop(struct nic *nic);

/* nvsp.c */
void nvsp_take(struct channel *channel, const struct vmpacket_descriptor *packet);
void nvsp_switched(struct work_struct *work);
void nvsp_associate(struct nic *nic);
void nvsp_push_section(struct channel *channel, u32 section, u32 length, bool control);
u8 *section_take(struct nic *nic, u32 *section);
void section_give(struct nic *nic, u32 section);
void buffers_forget(struct nic *nic);

/* rndis.c */
void rndis_control(struct nic *nic, const u32 *message, u32 length);
void rndis_indicate(struct nic *nic, u32 status);

/* frames.c */
struct piece {
	const u8 *at;
	u32 length;
};
void gather(const struct piece *piece, u32 offset, void *to, u32 length);
int frames_from_guest(struct nic *nic, const struct piece *piece, u32 total);
void frame_to_guest(struct nic *nic, struct sk_buff *skb);

/* vswitch.c */
struct net_device *wire_new(struct nic *nic);
void wire_free(struct net_device *wire);
void vswitch_from_guest(struct nic *nic, struct sk_buff *skb);
int vf_port_set(const char *name);
ssize_t vf_port_show(char *buf);
int vswitch_start(void);
void vswitch_stop(void);

/* sysfs.c */
extern const struct attribute_group *nic_groups[];
int host_files(struct device *root);

/* pci_slots.c */
int slot_name(const char *line);
void slots_free(void);

#endif
