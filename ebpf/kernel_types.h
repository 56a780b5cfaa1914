/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What we know of the running kernel's own structures. The offsets are the only thing that is baked in: the loader
 * takes them from the kernel's BTF (netvsc_bpf/kernel/bpf/btf.py) and refuses to go on where a member is missing or has
 * another size. The enumerators are compared with BTF as well.
 */
#ifndef __NETVSC_BPF_KERNEL_TYPES_H
#define __NETVSC_BPF_KERNEL_TYPES_H

#if !defined(NET_DEVICE_STATE) || !defined(NET_DEVICE_IFINDEX) ||               \
	!defined(NET_DEVICE_CARRIER_UP) || !defined(NET_DEVICE_CARRIER_DOWN) || \
	!defined(NET_DEVICE_NET) || !defined(DEVMAP_VAL_TO_DEV) || !defined(NOTIFIER_INFO_DEV)
#error "kernel offsets are missing: compile through netvsc_bpf.kernel.compile.child"
#endif

/*
 * bpf_probe_read_kernel() by a name that bcc does not know. Where /proc/kallsyms shows no addresses, which takes
 * CAP_SYSLOG, bcc believes that the kernel lacks that helper and puts bpf_probe_read() there, which tc programs may
 * not call: nobody but root could attach.
 */
static long (*read_kernel)(void *to, u32 size,
			   const void *from) = (void *)BPF_FUNC_probe_read_kernel;

/* enum netdev_state_t, include/linux/netdevice.h: bit numbers of net_device.state */
#define LINK_STATE_START 0
#define LINK_STATE_PRESENT 1
#define LINK_STATE_NOCARRIER 2
#define LINK_STATE_LINKWATCH_PENDING 3

/* enum netdev_cmd, include/linux/netdevice.h */
#define NETDEV_UP 1
#define NETDEV_DOWN 2
#define NETDEV_CHANGE 4
#define NETDEV_UNREGISTER 6
#define NETDEV_GOING_DOWN 10

#endif
