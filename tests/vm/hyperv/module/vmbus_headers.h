/* SPDX-License-Identifier: GPL-2.0-only */
/* The headers of the kernel's private drivers/hv/hyperv_vmbus.h: see export_channel.c. */
#include <linux/list.h>
#include <linux/bitops.h>
#include <asm/sync_bitops.h>
#if __has_include(<asm/hyperv-tlfs.h>)
#include <asm/hyperv-tlfs.h> /* 6.14 moved what is in it to <hyperv/hvhdk.h> */
#endif
#include <linux/atomic.h>
#include <linux/hyperv.h>
#include <linux/interrupt.h>
#include <linux/tracepoint.h>
