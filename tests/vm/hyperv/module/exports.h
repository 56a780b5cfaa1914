/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions called by the exporting files. Uses no local struct: a symbol's CRC depends on the types that are complete where
 * the symbol is exported. Included after <linux/hyperv.h>.
 */
#ifndef HYPERV_HOST_EXPORTS_H
#define HYPERV_HOST_EXPORTS_H

int channel_open(struct vmbus_channel *ch, u32 send_size, u32 recv_size,
		 void (*callback)(void *context), void *context);
void channel_close(struct vmbus_channel *ch);
int gpadl_establish(struct vmbus_channel *ch, void *buffer, u32 size, struct vmbus_gpadl *gpadl);
int gpadl_teardown(struct vmbus_channel *ch, struct vmbus_gpadl *gpadl);

int outbound_write(struct vmbus_channel *ch, void *descriptor, u32 descriptor_size,
		   const void *payload, u32 length, u64 request);
u64 request_id(struct vmbus_channel *ch, u64 address);
u64 request_address(struct vmbus_channel *ch, u64 id);
struct vmpacket_descriptor *inbound_first(struct vmbus_channel *ch);
struct vmpacket_descriptor *inbound_next(struct vmbus_channel *ch,
					 const struct vmpacket_descriptor *packet);
void inbound_done(struct vmbus_channel *ch);

int driver_add(struct hv_driver *driver, struct module *owner, const char *mod_name);

#endif
