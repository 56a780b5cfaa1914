// SPDX-License-Identifier: GPL-2.0-only
/*
 * NVSP, the protocol of the network VSP (drivers/net/hyperv/hyperv_net.h): set-up, buffers, the VF's association, the data
 * path. Its messages are ten words, of which the first says what it is. What carries frames is handed to frames.c, what carries RNDIS
 * control messages to rndis.c.
 */
#include "host.h"

enum {
	NVSP_INIT = 1,
	NVSP_INIT_COMPLETE = 2,
	NVSP_NDIS_VERSION = 100,
	NVSP_RECV_BUF = 101,
	NVSP_RECV_BUF_COMPLETE = 102,
	NVSP_REVOKE_RECV_BUF = 103,
	NVSP_SEND_BUF = 104,
	NVSP_SEND_BUF_COMPLETE = 105,
	NVSP_REVOKE_SEND_BUF = 106,
	NVSP_RNDIS = 107,
	NVSP_RNDIS_COMPLETE = 108,
	NVSP_NDIS_CONFIG = 125,
	NVSP_VF_ASSOCIATION = 128,
	NVSP_SWITCH_DATA_PATH = 129,
	NVSP_SUBCHANNEL = 133,
};

#define NVSP_WORDS 10
#define NVSP_OK 1
#define NVSP_FAIL 2
#define NVSP_MAX_VERSION 0x60001
#define CAPABILITY_SRIOV BIT(2)
#define RECV_BUF_ID 0xcafe
#define NO_SECTION U32_MAX
#define SECTION_ID \
	0x1000 /* the id of a receive section's packet, by which the guest gives it back */
#define RECV_SECTION 1728
#define RECV_HEADROOM 256 /* of RNDIS, before a frame of the guest's MTU */
#define SEND_SECTION 6144

/* Packets to the guest. */

static void push_words(struct channel *channel, enum vmbus_packet_type type, u64 id,
		       const void *payload, u32 length)
{
	struct {
		struct vmpacket_descriptor head;
		u8 payload[NVSP_WORDS * 4];
	} packet = {
		.head = { .type = type, .offset8 = sizeof(packet.head) / 8, .trans_id = id },
	};
	u32 total = ALIGN(sizeof(packet.head) + length, 8);

	packet.head.len8 = total / 8;
	memcpy(packet.payload, payload, length);
	push(channel, &packet, total);
}

static void complete_rndis(struct channel *channel, u64 id, u32 status)
{
	u32 words[] = { NVSP_RNDIS_COMPLETE, status };

	push_words(channel, VM_PKT_COMP, id, words, sizeof(words));
}

void nvsp_push_section(struct channel *channel, u32 section, u32 length, bool control)
{
	struct {
		struct vmpacket_descriptor head;
		u16 set;
		u8 owns, reserved;
		u32 count;
		struct vmtransfer_page_range range;
		u32 nvsp[NVSP_WORDS];
	} packet = {
		.head = { .type = VM_PKT_DATA_USING_XFER_PAGES,
			  .offset8 = offsetof(typeof(packet), nvsp) / 8,
			  .len8 = sizeof(packet) / 8,
			  .trans_id = SECTION_ID + section },
		.set = RECV_BUF_ID,
		.count = 1,
		.range = { .byte_count = length,
			   .byte_offset = section * channel->nic->section_size },
		.nvsp = { NVSP_RNDIS, control, NO_SECTION, 0 },
	};

	push(channel, &packet, sizeof(packet));
}

/* Receive sections: the guest's memory for what the host gives it. */

u8 *section_take(struct nic *nic, u32 *section)
{
	u8 *at = NULL;

	spin_lock_bh(&nic->lock);
	*section = nic->recv ? find_first_zero_bit(nic->section_map, nic->sections) : 0;
	if (nic->recv && *section < nic->sections) {
		__set_bit(*section, nic->section_map);
		at = nic->recv + *section * nic->section_size;
	}
	spin_unlock_bh(&nic->lock);
	return at;
}

void section_give(struct nic *nic, u32 section)
{
	spin_lock_bh(&nic->lock);
	if (section < nic->sections)
		__clear_bit(section, nic->section_map);
	spin_unlock_bh(&nic->lock);
}

void buffers_forget(struct nic *nic)
{
	spin_lock_bh(&nic->lock);
	nic->recv = nic->send = NULL;
	nic->sections = 0;
	spin_unlock_bh(&nic->lock);
}

static u32 accept_recv_buffer(struct nic *nic, u32 handle)
{
	u32 size, section = max_t(u32, RECV_SECTION, ALIGN(nic->mtu + RECV_HEADROOM, 64));
	unsigned long *map, *old;
	u8 *buffer;

	spin_lock_bh(&nic->lock);
	buffer = gpadl_buffer(nic, handle, &size);
	map = buffer ? bitmap_zalloc(size / section, GFP_ATOMIC) : NULL;
	if (map) {
		old = nic->section_map;
		nic->section_map = map;
		nic->section_size = section;
		nic->sections = size / section;
		nic->recv = buffer;
		bitmap_free(old);
	}
	spin_unlock_bh(&nic->lock);
	return map ? NVSP_OK : NVSP_FAIL;
}

static u32 accept_send_buffer(struct nic *nic, u32 handle)
{
	spin_lock_bh(&nic->lock);
	nic->send = gpadl_buffer(nic, handle, &nic->send_size);
	spin_unlock_bh(&nic->lock);
	return nic->send ? NVSP_OK : NVSP_FAIL;
}

/* The VF. */

void nvsp_associate(struct nic *nic)
{
	u32 words[NVSP_WORDS] = { NVSP_VF_ASSOCIATION, nic->vf_allocated, nic->vf_serial };

	if (!nic->sriov)
		return;
	say(nic, "VF association: allocated %u, serial %u", nic->vf_allocated, nic->vf_serial);
	push_words(&nic->channel[0], VM_PKT_DATA_INBAND, 0, words, sizeof(words));
}

/* The host has switched: only then does the guest get its completion, and with it RTNL back. */
void nvsp_switched(struct work_struct *work)
{
	struct nic *nic = container_of(work, struct nic, switch_work.work);

	WRITE_ONCE(nic->datapath, nic->datapath_wanted);
	nic->switched_at = ktime_get();
	say(nic, "data path is %s", nic->datapath ? "vf" : "synthetic");
	push_words(&nic->channel[0], VM_PKT_COMP, nic->datapath_request, NULL, 0);
}

static void switch_data_path(struct nic *nic, u32 to, u64 id)
{
	nic->datapath_wanted = to;
	nic->datapath_request = id;
	add(nic, to ? SWITCHED_TO_VF : SWITCHED_TO_SYNTHETIC, 1);
	schedule_delayed_work(&nic->switch_work, msecs_to_jiffies(switch_ms));
}

/* RNDIS messages, in a send section, in the guest's pages, or in both. */

static u32 gather_pieces(struct nic *nic, const struct vmpacket_descriptor *packet, const u32 *m,
			 struct piece *piece, u32 pieces)
{
	u32 n = 0, i;

	if (m[2] != NO_SECTION) {
		if (!nic->send || m[2] >= nic->send_size / SEND_SECTION || m[3] > SEND_SECTION)
			return 0;
		piece[n++] = (struct piece){ nic->send + m[2] * SEND_SECTION, m[3] };
	}
	if (packet->type == VM_PKT_DATA_USING_GPA_DIRECT) {
		const struct vmbus_packet_mpb_array *pages = (void *)packet;
		const struct hv_mpb_array *range = &pages->range;

		for (i = 0; i < pages->rangecount && n < pieces; i++) {
			/* One range is contiguous in guest-physical memory: so hv_netvsc builds them. */
			phys_addr_t at = (range->pfn_array[0] << HV_HYP_PAGE_SHIFT) + range->offset;

			piece[n++] = (struct piece){ phys_to_virt(at), range->len };
			range = (void *)&range->pfn_array[HVPFN_UP(range->offset + range->len)];
		}
	}
	return n;
}

static void take_rndis(struct channel *channel, const struct vmpacket_descriptor *packet,
		       const u32 *m)
{
	struct piece piece[MAX_PAGE_BUFFER_COUNT + 1];
	struct nic *nic = channel->nic;
	u32 n = gather_pieces(nic, packet, m, piece, ARRAY_SIZE(piece)), total = 0, i;
	u32 *message;

	for (i = 0; i < n; i++)
		total += piece[i].length;
	if (m[1] == 0) {
		int error = n ? frames_from_guest(nic, piece, total) : -EINVAL;

		complete_rndis(channel, packet->trans_id, error ? NVSP_FAIL : NVSP_OK);
		return;
	}
	message = total >= 12 ? kmalloc(total, GFP_ATOMIC) : NULL;
	if (!message) {
		complete_rndis(channel, packet->trans_id, NVSP_FAIL);
		return;
	}
	gather(piece, 0, message, total);
	complete_rndis(channel, packet->trans_id, NVSP_OK);
	rndis_control(nic, message, total);
	kfree(message);
}

void nvsp_take(struct channel *channel, const struct vmpacket_descriptor *packet)
{
	const u32 *m = (void *)packet + packet->offset8 * 8;
	u32 answer[NVSP_WORDS] = {};
	struct nic *nic = channel->nic;

	if (packet->type == VM_PKT_COMP) {
		section_give(nic, packet->trans_id - SECTION_ID);
		return;
	}
	switch (m[0]) {
	case NVSP_INIT:
		answer[0] = NVSP_INIT_COMPLETE;
		answer[1] = m[2];
		answer[3] = m[2] <= NVSP_MAX_VERSION ? NVSP_OK : NVSP_FAIL;
		break;
	case NVSP_NDIS_CONFIG:
		nic->mtu = m[1];
		nic->sriov = m[3] & CAPABILITY_SRIOV;
		return;
	case NVSP_NDIS_VERSION:
		return;
	case NVSP_RECV_BUF:
		answer[0] = NVSP_RECV_BUF_COMPLETE;
		answer[1] = accept_recv_buffer(nic, m[1]);
		answer[2] = 1; /* one kind of section, from offset 0 */
		answer[4] = nic->section_size;
		answer[5] = nic->sections;
		answer[6] = nic->sections * nic->section_size;
		break;
	case NVSP_SEND_BUF:
		answer[0] = NVSP_SEND_BUF_COMPLETE;
		answer[1] = accept_send_buffer(nic, m[1]);
		answer[2] = SEND_SECTION;
		push_words(channel, VM_PKT_COMP, packet->trans_id, answer, sizeof(answer));
		if (nic->vf_allocated)
			nvsp_associate(nic);
		return;
	case NVSP_REVOKE_RECV_BUF:
	case NVSP_REVOKE_SEND_BUF:
		buffers_forget(nic);
		return;
	case NVSP_RNDIS:
		take_rndis(channel, packet, m);
		return;
	case NVSP_SWITCH_DATA_PATH:
		switch_data_path(nic, m[1], packet->trans_id);
		return;
	case NVSP_SUBCHANNEL:
		nic->channels = 1 + min(m[2], clamp(queues, 1u, (u32)MAX_CHANNELS) - 1);
		answer[0] = NVSP_SUBCHANNEL;
		answer[1] = NVSP_OK;
		answer[2] = nic->channels - 1;
		schedule_work(&nic->offer_work);
		break;
	default:
		say(nic, "unknown NVSP message %u", m[0]);
		return;
	}
	push_words(channel, VM_PKT_COMP, packet->trans_id, answer, sizeof(answer));
}
