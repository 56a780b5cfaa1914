/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hashes the beginning of a frame, so that the copies of one frame have the same hash on both NICs.
 *
 * Tags are left out, the inner one of two as well: a NIC may strip the outer one, or the kernel, or neither has yet.
 *
 * One of them may have been padded to the 60 bytes of a minimal frame (IEEE 802.3, 4.2.8), so that the length and what
 * is behind byte 60 of a short frame are left out. The first 28 bytes of the payload are an ARP packet, or an IPv4
 * header with the ports and the checksum of UDP; 48 more identify a frame of IPv6, or of a stream.
 */
#ifndef __NETVSC_BPF_FRAME_HASH_H
#define __NETVSC_BPF_FRAME_HASH_H

#include "evidence.h"

#define FIRST 28
#define SHORT 20 /* there in any frame that is longer than a padded one */
#define LONG 48

#define IPPROTO_TCP 6 /* include/uapi/linux/in.h */
#define IPPROTO_UDP 17

struct payload {
	u64 first[4];
	u64 more[6];
};

/*
 * Leave out the checksum of TCP and UDP. What another guest of the host sends has none yet on the synthetic path, only
 * that of the pseudo-header (CHECKSUM_PARTIAL), but on the VF's. In native mode the host computes it, as it does not
 * know whether the program needs it; in generic mode it is left to the stack, behind guard.
 */
static __always_inline void leave_out_checksum(struct payload *payload)
{
	u8 first = payload->first[0], protocol = payload->first[1] >> 8,
	   next = payload->first[0] >> 48;

	if (first == 0x45 && protocol == IPPROTO_UDP)
		payload->first[3] &= ~0xffff0000ULL; /* bytes 26 and 27 */
	else if (first == 0x45 && protocol == IPPROTO_TCP)
		payload->more[1] &= ~0xffffULL; /* 36 and 37 */
	else if (first >> 4 == 6 && next == IPPROTO_UDP)
		payload->more[2] &= ~0xffff0000ULL; /* 46 and 47 */
	else if (first >> 4 == 6 && next == IPPROTO_TCP)
		payload->more[3] &= ~0xffff00000000ULL; /* 56 and 57 */
}

static __always_inline u64 hash_of(struct pair *pair, struct frame *frame, struct payload *payload)
{
	u64 hash = mix(mix(0, frame->to), frame->from);

	if (pair->facts & FACT_GENERIC_XDP)
		leave_out_checksum(payload);
#pragma unroll
	for (u32 word = 0; word < 4; word++)
		hash = mix(hash, payload->first[word]);
#pragma unroll
	for (u32 word = 0; word < 6; word++)
		hash = mix(hash, payload->more[word]);
	return hash | 1ULL << 31; /* never 0; this bit decides nothing (is_copy()) */
}

#endif
