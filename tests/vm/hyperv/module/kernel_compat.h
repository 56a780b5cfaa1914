/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels. Included before everything else, so it may include nothing that completes a type: a symbol's
 * CRC depends on the types that are complete where it is exported (export_channel.c).
 */
#ifndef HYPERV_HOST_KERNEL_COMPAT_H
#define HYPERV_HOST_KERNEL_COMPAT_H

#include <linux/version.h>

/* What became const in Linux 6.11, in the driver core's callbacks. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define const_since_6_11
#else
#define const_since_6_11 const
#endif

/*
 * VMBus is part of the kernel there, and exports these itself. tests/vm/hyperv/build.py changes the names that hv_netvsc.ko
 * imports likewise.
 */
#if IS_BUILTIN(CONFIG_HYPERV_VMBUS)
#define __hv_pkt_iter_next hyperv_host___hv_pkt_iter_next
#define __vmbus_driver_register hyperv_host___vmbus_driver_register
#define hv_pkt_iter_close hyperv_host_hv_pkt_iter_close
#define hv_pkt_iter_first hyperv_host_hv_pkt_iter_first
#define vmbus_close hyperv_host_vmbus_close
#define vmbus_driver_unregister hyperv_host_vmbus_driver_unregister
#define vmbus_establish_gpadl hyperv_host_vmbus_establish_gpadl
#define vmbus_next_request_id hyperv_host_vmbus_next_request_id
#define vmbus_open hyperv_host_vmbus_open
#define vmbus_proto_version hyperv_host_vmbus_proto_version
#define vmbus_request_addr hyperv_host_vmbus_request_addr
#define vmbus_sendpacket hyperv_host_vmbus_sendpacket
#define vmbus_sendpacket_mpb_desc hyperv_host_vmbus_sendpacket_mpb_desc
#define vmbus_set_sc_create_callback hyperv_host_vmbus_set_sc_create_callback
#define vmbus_teardown_gpadl hyperv_host_vmbus_teardown_gpadl
#endif

#endif
