// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ethernet frames in RNDIS messages, with what stands beside them as per-packet information (PPI): checksum, large send,
 * VLAN tag. From the guest to an skb and back.
 */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rndis.h>
#include <linux/tcp.h>
#include <net/ip6_checksum.h>
#include <net/tcp.h>
#include "host.h"

#define RNDIS_HEADER 8
#define RNDIS_PACKET 36
#define LINEAR 192 /* bytes of a frame that its skb has in one piece: the headers */

enum {
	PPI_CHECKSUM = 0,
	PPI_LARGE_SEND = 2,
	PPI_VLAN = 6
};

enum {
	FILTER_DIRECTED = 1,
	FILTER_MULTICAST = 2,
	FILTER_ALL_MULTICAST = 4,
	FILTER_BROADCAST = 8,
	FILTER_PROMISCUOUS = 32,
};

struct rndis_frame { /* the head of a message that carries a frame; offsets count from data_offset */
	u32 type, length;
	u32 data_offset, data_length;
	u32 oob_offset, oob_length, oob_count;
	u32 info_offset, info_length;
	u32 handle, reserved;
};

struct ppi { /* `value` of a PPI follows at `offset` */
	u32 size, type, offset, value;
};

/* Copy from a list of pieces of memory as if they were one. */
void gather(const struct piece *piece, u32 offset, void *to, u32 length)
{
	for (; length; piece++) {
		u32 some;

		if (offset >= piece->length) {
			offset -= piece->length;
			continue;
		}
		some = min(length, piece->length - offset);
		memcpy(to, piece->at + offset, some);
		to += some;
		length -= some;
		offset = 0;
	}
}

static struct sk_buff *build_frame(const struct piece *piece, u32 offset, u32 length)
{
	u32 linear = min_t(u32, length, LINEAR), at = linear;
	struct sk_buff *skb;
	int error;

	skb = alloc_skb_with_frags(NET_SKB_PAD + linear, length - linear, 0, &error, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reserve(skb, NET_SKB_PAD);
	gather(piece, offset, skb_put(skb, linear), linear);
	skb->data_len = length - linear;
	skb->len += length - linear;
	for (offset += at; at < length;) {
		u32 some;

		for (; offset >= piece->length; piece++)
			offset -= piece->length;
		some = min(length - at, piece->length - offset);
		skb_store_bits(skb, at, piece->at + offset, some);
		at += some;
		offset += some;
	}
	return skb;
}

/* The driver leaves the lengths zero and a pseudo-header checksum without them (netvsc_xmit()). */
static bool apply_large_send(struct sk_buff *skb, u32 value)
{
	u32 mss = value & 0xfffff, transport = value >> 20 & 0x3ff;
	struct tcphdr *tcp = (void *)skb->data + transport;
	u32 length = skb->len - transport;
	bool ip6 = value >> 31;

	if (!mss || transport + sizeof(*tcp) > skb_headlen(skb))
		return false;
	if (ip6) {
		struct ipv6hdr *ip = (void *)skb->data + ETH_HLEN;

		ip->payload_len = htons(skb->len - ETH_HLEN - sizeof(*ip));
		tcp->check = ~csum_ipv6_magic(&ip->saddr, &ip->daddr, length, IPPROTO_TCP, 0);
	} else {
		struct iphdr *ip = (void *)skb->data + ETH_HLEN;

		ip->tot_len = htons(skb->len - ETH_HLEN);
		ip->check = 0;
		ip->check = ip_fast_csum(ip, ip->ihl);
		tcp->check = ~csum_tcpudp_magic(ip->saddr, ip->daddr, length, IPPROTO_TCP, 0);
	}
	skb_shinfo(skb)->gso_size = mss;
	skb_shinfo(skb)->gso_type = ip6 ? SKB_GSO_TCPV6 : SKB_GSO_TCPV4;
	skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(length - tcp->doff * 4, mss);
	return skb_partial_csum_set(skb, transport, offsetof(struct tcphdr, check));
}

static bool apply_info(struct sk_buff *skb, const u8 *info, u32 length)
{
	while (length >= offsetof(struct ppi, value)) {
		const struct ppi *ppi = (const struct ppi *)info;
		u32 value;

		if (ppi->size < sizeof(*ppi) || ppi->size > length ||
		    ppi->offset > ppi->size - sizeof(value))
			return false;
		value = *(const u32 *)(info + ppi->offset);
		switch (ppi->type) {
		case PPI_CHECKSUM: /* bit 2: of TCP; the transport header's offset from bit 16 */
			if (!skb_partial_csum_set(skb, value >> 16 & 0x3ff,
						  value & BIT(2) ? 16 : 6))
				return false;
			break;
		case PPI_LARGE_SEND:
			if (!apply_large_send(skb, value))
				return false;
			break;
		case PPI_VLAN: /* priority, CFI, id from the lowest bit on */
			__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q),
					       (value & 7) << 13 | (value & 8) << 9 |
						       (value >> 4 & 0xfff));
			break;
		}
		info += ppi->size;
		length -= ppi->size;
	}
	return true;
}

static bool well_formed(const struct rndis_frame *head, u32 room, u32 info_room)
{
	u32 body = head->length - RNDIS_HEADER;

	return head->type == RNDIS_MSG_PACKET && head->length >= sizeof(*head) &&
	       head->length <= room && head->data_offset <= body &&
	       head->data_length <= body - head->data_offset && head->data_length >= ETH_HLEN &&
	       head->info_length <= info_room && head->info_offset <= body &&
	       head->info_length <= body - head->info_offset;
}

/* Hand the frames of one message to the virtual switch. -EINVAL where one of them is malformed. */
int frames_from_guest(struct nic *nic, const struct piece *piece, u32 total)
{
	struct rndis_frame head;
	u8 info[256];
	u32 offset;

	for (offset = 0; offset < total; offset += head.length) {
		struct sk_buff *skb;

		if (total - offset < sizeof(head))
			goto refuse;
		gather(piece, offset, &head, sizeof(head));
		if (!well_formed(&head, total - offset, sizeof(info)))
			goto refuse;
		skb = build_frame(piece, offset + RNDIS_HEADER + head.data_offset,
				  head.data_length);
		if (!skb)
			continue;
		gather(piece, offset + RNDIS_HEADER + head.info_offset, info, head.info_length);
		if (!apply_info(skb, info, head.info_length)) {
			kfree_skb(skb);
			goto refuse;
		}
		add(nic, TX_SYNTHETIC, 1);
		add(nic, TX_SYNTHETIC_BYTES, skb->len);
		vswitch_from_guest(nic, skb);
	}
	return 0;
refuse:
	add(nic, REFUSED, 1);
	return -EINVAL;
}

static bool wanted(const struct nic *nic, const u8 *to)
{
	u32 filter = READ_ONCE(nic->filter);

	if (filter & FILTER_PROMISCUOUS)
		return true;
	if (is_broadcast_ether_addr(to))
		return filter & FILTER_BROADCAST;
	if (is_multicast_ether_addr(to))
		return filter & (FILTER_MULTICAST | FILTER_ALL_MULTICAST);
	return (filter & FILTER_DIRECTED) && ether_addr_equal(to, nic->mac);
}

static struct channel *channel_for(struct nic *nic, struct sk_buff *skb)
{
	u32 channels = READ_ONCE(nic->channels);
	struct channel *channel = &nic->channel[channels > 1 ? skb_get_hash(skb) % channels : 0];

	return READ_ONCE(channel->open) ? channel : &nic->channel[0];
}

/* Deliver a frame by VMBus; takes the skb, which is linear or not and may have its VLAN tag beside it. */
void frame_to_guest(struct nic *nic, struct sk_buff *skb)
{
	bool vlan = skb_vlan_tag_present(skb);
	u32 info = vlan ? sizeof(struct ppi) : 0, section;
	u32 head = RNDIS_HEADER + RNDIS_PACKET + info;
	u8 *at;

	if (nic->link_down || !wanted(nic, skb->data)) {
		add(nic, DROPPED_FILTER, 1);
		goto drop;
	}
	at = section_take(nic, &section);
	if (!at || head + skb->len > nic->section_size) {
		if (at)
			section_give(nic, section);
		add(nic, DROPPED_FULL, 1);
		goto drop;
	}
	*(struct rndis_frame *)at = (struct rndis_frame){
		.type = RNDIS_MSG_PACKET,
		.length = head + skb->len,
		.data_offset = RNDIS_PACKET + info,
		.data_length = skb->len,
		.info_offset = vlan ? RNDIS_PACKET : 0,
		.info_length = info,
	};
	if (vlan) {
		u16 tci = skb_vlan_tag_get(skb);

		*(struct ppi *)(at + RNDIS_HEADER + RNDIS_PACKET) = (struct ppi){
			.size = sizeof(struct ppi),
			.type = PPI_VLAN,
			.offset = offsetof(struct ppi, value),
			.value = tci >> 13 | (tci >> 12 & 1) << 3 | (tci & 0xfff) << 4,
		};
	}
	skb_copy_bits(skb, 0, at + head, skb->len);
	add(nic, RX_SYNTHETIC, 1);
	add(nic, RX_SYNTHETIC_BYTES, skb->len);
	nvsp_push_section(channel_for(nic, skb), section, head + skb->len, false);
	consume_skb(skb);
	return;
drop:
	kfree_skb(skb);
}
