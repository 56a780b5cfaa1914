// SPDX-License-Identifier: GPL-2.0-only
/*
 * RNDIS, the control messages (drivers/net/hyperv/rndis_filter.c asks, include/linux/rndis.h names): what the NIC can do,
 * which frames the guest wants, the state of the link.
 */
#include <linux/rndis.h>
#include "host.h"

#define OID_RSS_CAPABILITIES 0x00010203
#define OID_RSS_PARAMETERS 0x00010204
#define OID_OFFLOAD_PARAMETERS 0xfc01020c
#define OID_OFFLOAD_CAPABILITIES 0xfc01020d
#define RNDIS_HEADER 8
#define OFFLOAD_SIZE 156 /* of NDIS_OFFLOAD revision 3: the driver accepts no other */
#define LINK_SPEED (10000 * 10000) /* in units of 100 bit/s */

static void push_control(struct nic *nic, const void *message, u32 length)
{
	u32 section;
	u8 *at = section_take(nic, &section);

	if (WARN_ON_ONCE(!at || length > nic->section_size))
		return;
	memcpy(at, message, length);
	nvsp_push_section(&nic->channel[0], section, length, true);
}

void rndis_indicate(struct nic *nic, u32 status)
{
	u32 words[5] = { RNDIS_MSG_INDICATE, sizeof(words), status, 0, 0 };

	push_control(nic, words, sizeof(words));
}

static u32 offload_capabilities(u32 *words)
{
	u8 *bytes = (u8 *)words;

	memset(words, 0, OFFLOAD_SIZE);
	bytes[0] = 0xa7; /* NDIS_OBJECT_TYPE_OFFLOAD */
	bytes[1] = 3; /* its revision */
	*(u16 *)(bytes + 2) = OFFLOAD_SIZE;
	if (!offload)
		return OFFLOAD_SIZE;
	words[1] = words[3] = words[5] = words[7] = 2; /* checksums: of Ethernet frames */
	words[2] = words[4] =
		0x155; /* IPv4: options, TCP with options, UDP, header; sent, received */
	words[6] = words[8] = 0x055; /* IPv6: extension headers, TCP with options, UDP */
	words[20] = words[23] = 2; /* large send 2, IPv4 and IPv6: encapsulation, */
	words[21] = words[24] = 65535 - 1500; /* largest packet in bytes, */
	words[22] = words[25] = 2; /* least number of segments */
	words[26] = 0x5; /* IPv6: extension headers, TCP options */
	return OFFLOAD_SIZE;
}

static void answer_query(struct nic *nic, const u32 *request)
{
	u32 answer[64] = { RNDIS_MSG_QUERY_C, 0, request[2], RNDIS_STATUS_SUCCESS, 0, 16 };
	u32 *value = answer + 6, size = 4;

	switch (request[3]) {
	case RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE:
		*value = ETH_DATA_LEN;
		break;
	case RNDIS_OID_GEN_LINK_SPEED:
		*value = LINK_SPEED;
		break;
	case RNDIS_OID_GEN_MEDIA_CONNECT_STATUS:
		*value = nic->link_down;
		break;
	case RNDIS_OID_802_3_PERMANENT_ADDRESS:
		ether_addr_copy((u8 *)value, nic->mac);
		size = ETH_ALEN;
		break;
	case RNDIS_OID_GEN_FRIENDLY_NAME:
		size = 0;
		break;
	case OID_OFFLOAD_CAPABILITIES:
		size = offload_capabilities(value);
		break;
	case OID_RSS_CAPABILITIES:
		size = 18;
		value[0] = 0x88 | 2 << 8 |
			   size << 16; /* NDIS_OBJECT_TYPE_RSS_CAPABILITIES, revision 2 */
		value[3] = clamp(queues, 1u, (u32)MAX_CHANNELS); /* receive queues */
		value[4] = 128; /* entries of the indirection table */
		break;
	default:
		say(nic, "unknown OID %#x queried", request[3]);
		answer[3] = RNDIS_STATUS_NOT_SUPPORTED;
		size = 0;
	}
	answer[1] = 24 + size;
	answer[4] = size;
	push_control(nic, answer, ALIGN(answer[1], 4));
}

static void answer_set(struct nic *nic, const u32 *request, u32 length)
{
	u32 answer[4] = { RNDIS_MSG_SET_C, sizeof(answer), request[2], RNDIS_STATUS_SUCCESS };
	u32 value = (RNDIS_HEADER + request[5]) / 4;

	switch (request[3]) {
	case RNDIS_OID_GEN_CURRENT_PACKET_FILTER:
		if (value < length / 4)
			nic->filter = request[value];
		else
			answer[3] = RNDIS_STATUS_INVALID_DATA;
		break;
	case OID_OFFLOAD_PARAMETERS:
	case OID_RSS_PARAMETERS:
		break;
	case RNDIS_OID_GEN_RNDIS_CONFIG_PARAMETER: /* a MAC of the guest's choice: MAC spoofing is off */
		answer[3] = RNDIS_STATUS_FAILURE;
		break;
	default:
		say(nic, "unknown OID %#x set", request[3]);
		answer[3] = RNDIS_STATUS_NOT_SUPPORTED;
	}
	push_control(nic, answer, sizeof(answer));
}

static void answer_init(struct nic *nic, const u32 *request)
{
	u32 answer[13] = {
		RNDIS_MSG_INIT_C,
		sizeof(answer),
		request[2],
		RNDIS_STATUS_SUCCESS,
		1,
		0, /* version 1.0 */
		1,
		0, /* connectionless, Ethernet */
		8,
		0x4000,
		3, /* packets and bytes in a message, alignment as a power of two */
	};

	push_control(nic, answer, sizeof(answer));
}

/* A control message of at least twelve bytes. A request that lacks what it must have is not answered. */
void rndis_control(struct nic *nic, const u32 *message, u32 length)
{
	switch (message[0]) {
	case RNDIS_MSG_INIT:
		answer_init(nic, message);
		break;
	case RNDIS_MSG_QUERY:
		if (length >= 28)
			answer_query(nic, message);
		break;
	case RNDIS_MSG_SET:
		if (length >= 28)
			answer_set(nic, message, length);
		break;
	case RNDIS_MSG_HALT:
		break;
	default:
		say(nic, "unknown RNDIS message %#x", message[0]);
	}
}
