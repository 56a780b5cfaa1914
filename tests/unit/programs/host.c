// SPDX-License-Identifier: GPL-2.0-only
/* The programs of ebpf/ and a kernel for them, as one library for host.py. Compiled for one rung, as they are there. */
#include "host.h"
#include "abi.h"

#include "steer.c"
#include "home.c"
#include "guard.c"
#include "control.c"
#include "watchdog.c"
#if RUNG == LIVENESS_FENTRY_NUMBER
#include "sentinel.c"
#endif

#include "fibers.h"

#include <string.h>

struct host_device host_devices[4];
struct host_entry host_paths[2 * HOST_SLOTS];
char host_pairs[sizeof(struct pairs)] __attribute__((aligned(64)));
char host_homes[sizeof(struct homes)] __attribute__((aligned(64)));
char host_counters[sizeof(struct all_counters)] __attribute__((aligned(64)));
char host_evidence[sizeof(struct evidence)] __attribute__((aligned(64)));
u64 host_now, host_redirected_to;
struct path_event host_last_event;

long host_read_kernel(void *to, u32 size, const void *from)
{
	fiber_access(from, size);
	memcpy(to, from, size);
	return 0;
}

u32 *host_path(u32 *slot)
{
	struct host_entry *entry = &host_paths[*slot];

	return entry->dev ? &entry->ifindex : NULL;
}

int host_event(void *event, size_t size, u64 flags)
{
	memcpy(&host_last_event, event, size);
	return flags;
}

int bpf_redirect(u32 ifindex, u64 flags)
{
	host_redirected_to = ifindex | flags << 32;
	return 7; /* TC_ACT_REDIRECT */
}

long bpf_skb_load_bytes(const struct __sk_buff *skb, u32 offset, void *to, u32 length)
{
	if (skb->data + offset + length > skb->data_end)
		return -1;
	memcpy(to, (void *)(skb->data + offset), length);
	return 0;
}

long bpf_skb_store_bytes(struct __sk_buff *skb, u32 offset, const void *from, u32 length, u64 flags)
{
	(void)flags;
	memcpy((void *)(skb->data + offset), from, length);
	return 0;
}

/* What the latch decides by. The rest is written on a change of path, or once. */
int host_is_shared(const void *at)
{
	static const size_t words[] = {
		offsetof(struct pair, armed),	  offsetof(struct pair, vf_dev),
		offsetof(struct pair, permitted), offsetof(struct pair, usable_since),
		offsetof(struct pair, held),	  offsetof(struct pair, failures),
		offsetof(struct pair, returns),
	};
	size_t offset = (const char *)at - host_pairs;

	for (size_t word = 0; word < sizeof(words) / sizeof(*words); word++)
		if (offset == words[word])
			return 1;
	return (const char *)at >= (char *)host_devices &&
	       (const char *)at < (char *)&host_devices[4] &&
	       ((const char *)at - (char *)host_devices) % sizeof(struct host_device) ==
		       NET_DEVICE_STATE;
}

/* What happens on a CPU; host.py has the same numbers. */
enum event {
	EVENT_CONTROL,
	EVENT_PACKET,
	EVENT_NOTIFIER,
	EVENT_CARRIER_OFF,
	EVENT_DETACH,
	EVENT_DOWN,
	EVENT_UP,
	EVENT_TIMEOUT,
};

struct work {
	u32 event, device, command, skipped;
	u64 argument;
	u32 answer;
};

enum {
	SKIP_ENTRY = 1,
	SKIP_RETURN = 2
}; /* as the kernel does on recursion */

static u32 run_control(u32 command, u64 argument)
{
	struct __sk_buff skb = { .cb = { command, 0, argument, argument >> 32 } };

	return control(&skb);
}

#if RUNG == LIVENESS_FENTRY_NUMBER
static void notify(struct host_device *device, unsigned long event)
{
	u64 info = (unsigned long)device;

	kfunc_call_netdevice_notifiers_info(event, &info);
}
#else
static void notify(struct host_device *device, unsigned long event)
{
}
#define kfunc_netif_carrier_off(dev)
#define kretfunc_netif_carrier_off(dev)
#define kfunc_netif_device_detach(dev)
#define kretfunc_netif_device_detach(dev)
#endif

static void change(struct work *work)
{
	struct host_device *device = &host_devices[work->device];
	struct bpf_raw_tracepoint_args timeout = { { (unsigned long)device } };
	struct __sk_buff skb = { .ifindex = host_devices[0].ifindex, .len = 64 };

	switch ((enum event)work->event) {
	case EVENT_CONTROL:
		work->answer = run_control(work->command, work->argument);
		break;
	case EVENT_PACKET:
		work->answer = steer(&skb);
		break;
	case EVENT_NOTIFIER:
		notify(device, work->argument);
		break;
	case EVENT_CARRIER_OFF:
		if (!(work->skipped & SKIP_ENTRY))
			kfunc_netif_carrier_off(device);
		__sync_fetch_and_or(&device->state, 1ull << LINK_STATE_NOCARRIER);
		device->carrier_down++;
		if (!(work->skipped & SKIP_RETURN))
			kretfunc_netif_carrier_off(device);
		break;
	case EVENT_DETACH:
		if (!(work->skipped & SKIP_ENTRY))
			kfunc_netif_device_detach(device);
		__sync_fetch_and_and(&device->state, ~(1ull << LINK_STATE_PRESENT));
		if (!(work->skipped & SKIP_RETURN))
			kretfunc_netif_device_detach(device);
		break;
	case EVENT_DOWN:
		notify(device, NETDEV_GOING_DOWN);
		__sync_fetch_and_and(&device->state, ~(1ull << LINK_STATE_START));
		notify(device, NETDEV_DOWN);
		break;
	case EVENT_UP:
		__sync_fetch_and_or(&device->state, 1ull << LINK_STATE_START);
		notify(device, NETDEV_UP);
		break;
	case EVENT_TIMEOUT:
		net_dev_xmit_timeout(&timeout);
		break;
	}
}

/* One CPU's work: one thing after another. */
static struct list {
	struct work *works;
	u32 count;
} lists[FIBERS];

static void work_through(const void *list)
{
	const struct list *mine = list;

	for (u32 at = 0; at < mine->count; at++)
		change(&mine->works[at]);
}

void host_do(struct work *work)
{
	change(work);
}

int host_start(int number, struct work *works, u32 count)
{
	lists[number] = (struct list){ works, count };
	return fiber_start(work_through, &lists[number]);
}

u64 host_length(const struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data + ctx->in_fragments;
}

int host_guard(u8 *frame, u32 length, u32 in_fragments, u32 ifindex)
{
	unsigned long start = (unsigned long)frame;
	struct xdp_md context = { start, start + length, ifindex, in_fragments };

	return guard(&context);
}

static struct __sk_buff skb_of(u8 *frame, u32 length, u32 ifindex)
{
	u64 data = (unsigned long)frame;

	return (struct __sk_buff){ .data = data,
				   .data_end = data + length,
				   .len = length,
				   .ingress_ifindex = ifindex,
				   .ifindex = ifindex };
}

int host_home(u8 *frame, u32 length, u32 pkt_type, u32 vlan, u32 ifindex)
{
	struct __sk_buff skb = skb_of(frame, length, ifindex);

	skb.pkt_type = pkt_type;
	skb.vlan_tci = vlan;
	return home(&skb);
}

int host_steer(u8 *frame, u32 length, u32 ifindex)
{
	struct __sk_buff skb = skb_of(frame, length, ifindex);

	return steer(&skb);
}
