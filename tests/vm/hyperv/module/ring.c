// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two rings of a channel and the ids of the guest's requests.
 *
 * A ring is mapped twice in a row, so that copying a packet never wraps (hv_ringbuffer_init()). A packet is
 * followed by eight bytes that no reader needs.
 */
#include <linux/vmalloc.h>
#include "host.h"

#define TRAILER 8

int ring_alloc(struct hv_ring_buffer_info *ring, u32 size)
{
	u32 pages = size >> PAGE_SHIFT, i;
	struct page **twice;
	struct page *memory;

	memory = alloc_pages(GFP_KERNEL | __GFP_ZERO, get_order(size));
	twice = kvcalloc(2 * pages, sizeof(*twice), GFP_KERNEL);
	if (!memory || !twice)
		goto failed;
	twice[0] = memory;
	for (i = 0; i < 2 * (pages - 1); i++)
		twice[i + 1] = memory + 1 + i % (pages - 1);
	ring->ring_buffer = vmap(twice, 2 * pages - 1, VM_MAP, PAGE_KERNEL);
	if (!ring->ring_buffer)
		goto failed;
	kvfree(twice);
	ring->ring_size = size;
	ring->ring_datasize = size - PAGE_SIZE;
	ring->ring_size_div10_reciprocal = reciprocal_value(size / 10);
	ring->priv_read_index = 0;
	spin_lock_init(&ring->ring_lock);
	mutex_init(&ring->ring_buffer_mutex);
	return 0;
failed:
	kvfree(twice);
	if (memory)
		__free_pages(memory, get_order(size));
	return -ENOMEM;
}

void ring_free(struct hv_ring_buffer_info *ring)
{
	struct page *memory;

	if (!ring->ring_buffer)
		return;
	memory = vmalloc_to_page(ring->ring_buffer);
	vunmap(ring->ring_buffer);
	__free_pages(memory, get_order(ring->ring_size));
	ring->ring_buffer = NULL;
}

static u8 *ring_at(const struct hv_ring_buffer_info *ring, u32 index)
{
	return (u8 *)ring->ring_buffer + PAGE_SIZE + index;
}

static u32 ring_after(const struct hv_ring_buffer_info *ring, u32 index, u32 length)
{
	return (index + length + TRAILER) % ring->ring_datasize;
}

static bool ring_put(struct hv_ring_buffer_info *ring, const void *packet, u32 length)
{
	u32 at = ring->ring_buffer->write_index;

	if (hv_get_bytes_to_write(ring) <= length + TRAILER)
		return false;
	memcpy(ring_at(ring, at), packet, length);
	virt_store_release(&ring->ring_buffer->write_index, ring_after(ring, at, length));
	return true;
}

/* From host to guest. */

static bool backlog_flush(struct channel *channel)
{
	struct packet *packet, *next;

	list_for_each_entry_safe(packet, next, &channel->backlog, list)
	{
		if (!ring_put(&channel->vmbus.inbound, packet->data, packet->length))
			return false;
		list_del(&packet->list);
		kfree(packet);
	}
	return true;
}

void backlog_free(struct channel *channel)
{
	struct packet *packet, *next;

	list_for_each_entry_safe(packet, next, &channel->backlog, list) kfree(packet);
	INIT_LIST_HEAD(&channel->backlog);
}

static void backlog_add(struct channel *channel, const void *data, u32 length)
{
	struct packet *packet = kmalloc(struct_size(packet, data, length), GFP_ATOMIC);

	if (WARN_ON_ONCE(!packet))
		return;
	packet->length = length;
	memcpy(packet->data, data, length);
	list_add_tail(&packet->list, &channel->backlog);
	add(channel->nic, BACKLOGGED, 1);
}

/*
 * The driver's callback expects an interrupt: see vmbus_isr(). The caller has soft interrupts disabled.
 *
 * The packet is visible before the mask is read: hv_end_read() clears the mask, then looks for packets. Without the
 * barrier each side can miss what the other has just written, and the last completion of a NIC that is removed is never
 * seen: rndis_filter_device_remove() waits for it forever.
 */
static void interrupt(struct vmbus_channel *ch)
{
	unsigned long flags;

	virt_mb();
	if (READ_ONCE(ch->inbound.ring_buffer->interrupt_mask))
		return;
	local_irq_save(flags);
	ch->interrupts++;
	ch->onchannel_callback(ch->channel_callback_context);
	local_irq_restore(flags);
}

/* Give the guest a packet: later where the ring is full. */
void push(struct channel *channel, const void *packet, u32 length)
{
	spin_lock_bh(&channel->lock);
	if (channel->open) {
		if (!backlog_flush(channel) || !ring_put(&channel->vmbus.inbound, packet, length))
			backlog_add(channel, packet, length);
		interrupt(&channel->vmbus);
	}
	spin_unlock_bh(&channel->lock);
}

struct vmpacket_descriptor *inbound_first(struct vmbus_channel *ch)
{
	struct hv_ring_buffer_info *ring = &ch->inbound;
	u32 write = virt_load_acquire(&ring->ring_buffer->write_index);
	struct vmpacket_descriptor *packet = ring->pkt_buffer;
	const void *at = ring_at(ring, ring->priv_read_index);

	if (write == ring->priv_read_index)
		return NULL;
	memcpy(packet, at, sizeof(*packet));
	if (WARN_ON_ONCE(hv_pkt_len(packet) > ring->pkt_buffer_size))
		return NULL;
	memcpy(packet, at, hv_pkt_len(packet));
	return packet;
}

struct vmpacket_descriptor *inbound_next(struct vmbus_channel *ch,
					 const struct vmpacket_descriptor *packet)
{
	struct hv_ring_buffer_info *ring = &ch->inbound;

	ring->priv_read_index = ring_after(ring, ring->priv_read_index, hv_pkt_len(packet));
	return inbound_first(ch);
}

/* The guest has read what it wanted: there is room again. */
void inbound_done(struct vmbus_channel *ch)
{
	struct channel *channel = to_channel(ch);
	struct hv_ring_buffer_info *ring = &ch->inbound;

	virt_store_release(&ring->ring_buffer->read_index, ring->priv_read_index);
	spin_lock_bh(&channel->lock);
	if (channel->open && !list_empty(&channel->backlog)) {
		backlog_flush(channel);
		interrupt(ch);
	}
	spin_unlock_bh(&channel->lock);
}

/* From guest to host. */

/* -EAGAIN where the ring is full, as hv_ringbuffer_write() has it: there too the last byte stays free. */
int outbound_write(struct vmbus_channel *ch, void *descriptor, u32 descriptor_size,
		   const void *payload, u32 length, u64 request)
{
	struct hv_ring_buffer_info *ring = &ch->outbound;
	struct vmpacket_descriptor *head = descriptor;
	u32 total = ALIGN(descriptor_size + length, 8), at;
	struct nic *nic = to_channel(ch)->nic;
	unsigned long flags;
	u8 *to;

	if (ch->rescind)
		return -ENODEV;
	spin_lock_irqsave(&ring->ring_lock, flags);
	if (hv_get_bytes_to_write(ring) <= total + TRAILER) {
		ch->out_full_total++;
		spin_unlock_irqrestore(&ring->ring_lock, flags);
		add(nic, RING_FULL, 1);
		wake_up(&nic->wake);
		return -EAGAIN;
	}
	/* Only requests that want a completion have an id, and it is given out last: the driver may free by it. */
	if (head->flags == VMBUS_DATA_PACKET_FLAG_COMPLETION_REQUESTED &&
	    ch->next_request_id_callback) {
		request = ch->next_request_id_callback(ch, request);
		if (request == VMBUS_RQST_ERROR) {
			spin_unlock_irqrestore(&ring->ring_lock, flags);
			return -EAGAIN;
		}
	}
	head->trans_id = request;
	at = ring->ring_buffer->write_index;
	to = ring_at(ring, at);
	memcpy(to, descriptor, descriptor_size);
	memcpy(to + descriptor_size, payload, length);
	virt_store_release(&ring->ring_buffer->write_index, ring_after(ring, at, total));
	spin_unlock_irqrestore(&ring->ring_lock, flags);
	ch->sig_events++;
	wake_up(&nic->wake);
	return 0;
}

bool outbound_pending(struct channel *channel)
{
	struct hv_ring_buffer *ring = channel->vmbus.outbound.ring_buffer;

	return READ_ONCE(channel->open) && ring &&
	       virt_load_acquire(&ring->write_index) != ring->read_index;
}

/* Take one packet off the guest's ring, which has room for it again; return its length, 0: there is none. */
u32 outbound_read(struct channel *channel, void *to)
{
	struct hv_ring_buffer_info *ring = &channel->vmbus.outbound;
	const struct vmpacket_descriptor *packet;
	u32 at, length;

	if (!outbound_pending(channel))
		return 0;
	at = ring->ring_buffer->read_index;
	packet = (void *)ring_at(ring, at);
	length = hv_pkt_len(packet);
	if (WARN_ON_ONCE(length > PACKET_MAX || length < sizeof(*packet)))
		return 0;
	memcpy(to, packet, length);
	virt_store_release(&ring->ring_buffer->read_index, ring_after(ring, at, length));
	return length;
}

/* Ids of requests replace addresses of the driver, which the host must not see (vmbus_next_request_id()). */

u64 request_id(struct vmbus_channel *ch, u64 address)
{
	struct vmbus_requestor *requests = &ch->requestor;
	unsigned long flags, at;
	u64 id = VMBUS_RQST_ERROR;

	spin_lock_irqsave(&requests->req_lock, flags);
	at = find_next_zero_bit(requests->req_bitmap, requests->size, requests->next_request_id);
	if (at >= requests->size)
		at = find_first_zero_bit(requests->req_bitmap, requests->size);
	if (at < requests->size) {
		__set_bit(at, requests->req_bitmap);
		requests->req_arr[at] = address;
		requests->next_request_id = at + 1;
		id = at + 1;
	}
	spin_unlock_irqrestore(&requests->req_lock, flags);
	return id;
}

u64 request_address(struct vmbus_channel *ch, u64 id)
{
	struct vmbus_requestor *requests = &ch->requestor;
	u64 address = VMBUS_RQST_ERROR;
	unsigned long flags;

	spin_lock_irqsave(&requests->req_lock, flags);
	if (id && id <= requests->size && __test_and_clear_bit(id - 1, requests->req_bitmap))
		address = requests->req_arr[id - 1];
	spin_unlock_irqrestore(&requests->req_lock, flags);
	return address;
}
