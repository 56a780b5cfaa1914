// SPDX-License-Identifier: GPL-2.0-only
/*
 * The symbols that drivers/hv/channel.c exports and hv_netvsc imports.
 *
 * With CONFIG_MODVERSIONS a symbol's CRC covers the types that are complete where it is exported. So there is one exporting
 * file for each of the kernel's, and it includes the same headers in the same order. The build compares the CRCs.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/module.h>
#include <linux/hyperv.h>
#include <linux/uio.h>
#include <linux/interrupt.h>
#include <linux/set_memory.h>
#include <asm/page.h>
#include <asm/mshyperv.h>
#include "vmbus_headers.h"
#include "exports.h"

int vmbus_open(struct vmbus_channel *ch, u32 send_size, u32 recv_size, void *userdata,
	       u32 userdatalen, void (*callback)(void *context), void *context)
{
	return channel_open(ch, send_size, recv_size, callback, context);
}
EXPORT_SYMBOL_GPL(vmbus_open);

void vmbus_close(struct vmbus_channel *ch)
{
	channel_close(ch);
}
EXPORT_SYMBOL_GPL(vmbus_close);

int vmbus_establish_gpadl(struct vmbus_channel *ch, void *buffer, u32 size,
			  struct vmbus_gpadl *gpadl)
{
	return gpadl_establish(ch, buffer, size, gpadl);
}
EXPORT_SYMBOL_GPL(vmbus_establish_gpadl);

int vmbus_teardown_gpadl(struct vmbus_channel *ch, struct vmbus_gpadl *gpadl)
{
	return gpadl_teardown(ch, gpadl);
}
EXPORT_SYMBOL_GPL(vmbus_teardown_gpadl);

int vmbus_sendpacket(struct vmbus_channel *ch, void *buffer, u32 length, u64 request,
		     enum vmbus_packet_type type, u32 flags)
{
	struct vmpacket_descriptor descriptor = {
		.type = type,
		.flags = flags,
		.offset8 = sizeof(descriptor) / 8,
		.len8 = ALIGN(sizeof(descriptor) + length, 8) / 8,
	};

	return outbound_write(ch, &descriptor, sizeof(descriptor), buffer, length, request);
}
EXPORT_SYMBOL(vmbus_sendpacket);

int vmbus_sendpacket_mpb_desc(struct vmbus_channel *ch, struct vmbus_packet_mpb_array *pages,
			      u32 pages_size, void *buffer, u32 length, u64 request)
{
	pages->type = VM_PKT_DATA_USING_GPA_DIRECT;
	pages->flags = VMBUS_DATA_PACKET_FLAG_COMPLETION_REQUESTED;
	pages->dataoffset8 = pages_size / 8;
	pages->length8 = ALIGN(pages_size + length, 8) / 8;
	pages->reserved = 0;
	return outbound_write(ch, pages, pages_size, buffer, length, request);
}
EXPORT_SYMBOL_GPL(vmbus_sendpacket_mpb_desc);

u64 vmbus_next_request_id(struct vmbus_channel *ch, u64 address)
{
	return request_id(ch, address);
}
EXPORT_SYMBOL_GPL(vmbus_next_request_id);

u64 vmbus_request_addr(struct vmbus_channel *ch, u64 id)
{
	return request_address(ch, id);
}
EXPORT_SYMBOL_GPL(vmbus_request_addr);
