// SPDX-License-Identifier: GPL-2.0-only
/* The symbols that drivers/hv/ring_buffer.c exports and hv_netvsc imports: see export_channel.c. */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/hyperv.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>
#include <linux/slab.h>
#include <linux/prefetch.h>
#include <linux/io.h>
#include <asm/mshyperv.h>
#include "vmbus_headers.h"
#include "exports.h"

struct vmpacket_descriptor *hv_pkt_iter_first(struct vmbus_channel *ch)
{
	return inbound_first(ch);
}
EXPORT_SYMBOL_GPL(hv_pkt_iter_first);

struct vmpacket_descriptor *__hv_pkt_iter_next(struct vmbus_channel *ch,
					       const struct vmpacket_descriptor *packet)
{
	return inbound_next(ch, packet);
}
EXPORT_SYMBOL_GPL(__hv_pkt_iter_next);

void hv_pkt_iter_close(struct vmbus_channel *ch)
{
	inbound_done(ch);
}
EXPORT_SYMBOL_GPL(hv_pkt_iter_close);
