// SPDX-License-Identifier: GPL-2.0-only
/* The symbols that drivers/hv/channel_mgmt.c and connection.c export and hv_netvsc imports: see export_channel.c. */
#include <linux/kernel.h>
#include <linux/interrupt.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/cpu.h>
#include <linux/hyperv.h>
#include <asm/mshyperv.h>
#include <linux/sched/isolation.h>
#include "vmbus_headers.h"

__u32 vmbus_proto_version = VERSION_WIN10_V5_3;
EXPORT_SYMBOL_GPL(vmbus_proto_version);

void vmbus_set_sc_create_callback(struct vmbus_channel *ch,
				  void (*callback)(struct vmbus_channel *))
{
	ch->sc_creation_callback = callback;
}
EXPORT_SYMBOL_GPL(vmbus_set_sc_create_callback);
