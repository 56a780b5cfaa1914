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

struct payload {
	u64 first[4];
	u64 more[6];
};

static __always_inline u64 hash_of(struct frame *frame, struct payload *payload)
{
	u64 hash = mix(mix(0, frame->to), frame->from);

#pragma unroll
	for (u32 word = 0; word < 4; word++)
		hash = mix(hash, payload->first[word]);
#pragma unroll
	for (u32 word = 0; word < 6; word++)
		hash = mix(hash, payload->more[word]);
	return hash | 1ULL << 31; /* never 0; this bit decides nothing (is_copy()) */
}

#endif
