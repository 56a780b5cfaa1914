// SPDX-License-Identifier: GPL-2.0-only
/* Channels and GPADLs: what vmbus_open(), vmbus_close(), vmbus_establish_gpadl() and vmbus_teardown_gpadl() do. */
#include "host.h"

static void channel_free(struct vmbus_channel *ch)
{
	backlog_free(to_channel(ch));
	ring_free(&ch->inbound);
	ring_free(&ch->outbound);
	kvfree(ch->inbound.pkt_buffer);
	kvfree(ch->requestor.req_arr);
	bitmap_free(ch->requestor.req_bitmap);
	ch->inbound.pkt_buffer = NULL;
	ch->requestor.req_arr = NULL;
	ch->requestor.req_bitmap = NULL;
}

int channel_open(struct vmbus_channel *ch, u32 send_size, u32 recv_size,
		 void (*callback)(void *context), void *context)
{
	struct channel *channel = to_channel(ch);

	if (ch->rescind)
		return -ENODEV;
	if (channel->open)
		return -EINVAL;
	ch->inbound.pkt_buffer_size = ch->max_pkt_size;
	ch->inbound.pkt_buffer = kvzalloc(ch->max_pkt_size, GFP_KERNEL);
	ch->requestor.size = ch->rqstor_size;
	ch->requestor.next_request_id = 0;
	ch->requestor.req_arr = kvcalloc(ch->rqstor_size, sizeof(u64), GFP_KERNEL);
	ch->requestor.req_bitmap = bitmap_zalloc(ch->rqstor_size, GFP_KERNEL);
	spin_lock_init(&ch->requestor.req_lock);
	if (ring_alloc(&ch->outbound, send_size) || ring_alloc(&ch->inbound, recv_size) ||
	    !ch->inbound.pkt_buffer || !ch->requestor.req_arr || !ch->requestor.req_bitmap) {
		channel_free(ch);
		return -ENOMEM;
	}
	ch->onchannel_callback = callback;
	ch->channel_callback_context = context;
	ch->state = CHANNEL_OPENED_STATE;
	spin_lock_bh(&channel->lock);
	channel->open = true;
	spin_unlock_bh(&channel->lock);
	say(channel->nic, "channel %u open", ch->offermsg.offer.sub_channel_index);
	return 0;
}

/* The host's thread is not at work on it when this returns. */
static void close_one(struct channel *channel)
{
	struct nic *nic = channel->nic;
	bool was;

	spin_lock_bh(&channel->lock);
	was = channel->open;
	channel->open = false;
	spin_unlock_bh(&channel->lock);
	if (!was)
		return;
	mutex_lock(&nic->busy);
	mutex_unlock(&nic->busy);
	synchronize_rcu(); /* anything_to_do() */
	channel->vmbus.state = CHANNEL_OPEN_STATE;
	channel->vmbus.onchannel_callback = NULL;
	channel_free(&channel->vmbus);
	say(nic, "channel %u closed", channel->vmbus.offermsg.offer.sub_channel_index);
}

void channels_close(struct nic *nic)
{
	int i;

	cancel_work_sync(&nic->offer_work);
	cancel_delayed_work_sync(&nic->switch_work);
	for (i = MAX_CHANNELS - 1; i >= 0; i--)
		close_one(&nic->channel[i]);
	nic->channels = 1;
	nic->datapath = 0; /* the VSC is gone, and its VF with it */
	nic->filter = 0;
	nic->sriov = false;
	buffers_forget(nic);
}

void channel_close(struct vmbus_channel *ch)
{
	if (is_sub_channel(ch))
		close_one(to_channel(ch));
	else
		channels_close(to_channel(ch)->nic);
}

/* The driver asked for more channels (NVSP_SUBCHANNEL): offer them as the VMBus work queue does. */
void channels_offer(struct work_struct *work)
{
	struct nic *nic = container_of(work, struct nic, offer_work);
	u32 i;

	for (i = 1; i < nic->channels; i++) {
		struct vmbus_channel *ch = &nic->channel[i].vmbus;

		ch->target_cpu = i % num_online_cpus();
		ch->state = CHANNEL_OPEN_STATE;
		nic->channel[0].vmbus.sc_creation_callback(ch);
	}
}

int gpadl_establish(struct vmbus_channel *ch, void *buffer, u32 size, struct vmbus_gpadl *gpadl)
{
	struct nic *nic = to_channel(ch)->nic;
	int i, error = -ENOSPC;

	spin_lock_bh(&nic->lock);
	for (i = 0; i < MAX_GPADLS && error; i++)
		if (!nic->gpadl[i].handle) {
			nic->gpadl[i] = (struct gpadl){ ++nic->last_gpadl, size, buffer };
			*gpadl = (struct vmbus_gpadl){
				.gpadl_handle = nic->last_gpadl,
				.size = size,
				.buffer = buffer,
			};
			error = 0;
		}
	spin_unlock_bh(&nic->lock);
	return error;
}

int gpadl_teardown(struct vmbus_channel *ch, struct vmbus_gpadl *gpadl)
{
	struct nic *nic = to_channel(ch)->nic;
	int i;

	spin_lock_bh(&nic->lock);
	for (i = 0; i < MAX_GPADLS; i++)
		if (nic->gpadl[i].handle == gpadl->gpadl_handle)
			nic->gpadl[i].handle = 0;
	spin_unlock_bh(&nic->lock);
	gpadl->gpadl_handle = 0;
	gpadl->decrypted = false;
	return 0;
}

/* The memory behind a handle, NULL: there is none. The caller holds nic->lock. */
u8 *gpadl_buffer(struct nic *nic, u32 handle, u32 *size)
{
	int i;

	for (i = 0; i < MAX_GPADLS; i++)
		if (handle && nic->gpadl[i].handle == handle) {
			*size = nic->gpadl[i].size;
			return nic->gpadl[i].buffer;
		}
	return NULL;
}
