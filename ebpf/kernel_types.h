/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layout of the running kernel's structures. Only offsets are compiled in: the loader takes them from the kernel's BTF
 * (netvsc_bpf/kernel/bpf/btf.py) and refuses to load where a member is missing or has another size. It compares the
 * enumerators with BTF as well.
 */
#ifndef __NETVSC_BPF_KERNEL_TYPES_H
#define __NETVSC_BPF_KERNEL_TYPES_H

#if !defined(NET_DEVICE_STATE) || !defined(NET_DEVICE_IFINDEX) ||             \
	!defined(NETDEV_PRECHANGEUPPER) || !defined(NET_DEVICE_CARRIER_UP) || \
	!defined(NET_DEVICE_CARRIER_DOWN) || !defined(NET_DEVICE_NET) ||      \
	!defined(NET_DEVICE_DISMANTLE) || !defined(DEVMAP_VAL_TO_DEV) ||      \
	!defined(NOTIFIER_INFO_DEV)
#error "kernel offsets are missing: compile through netvsc_bpf.kernel.compile.compiler"
#endif

/*
 * bpf_probe_read_kernel() under a name that bcc does not know. Without CAP_SYSLOG, /proc/kallsyms shows no addresses;
 * bcc then assumes that the kernel lacks that helper and replaces it with bpf_probe_read(), which tc programs may not
 * call. Only root could attach then.
 */
static long (*read_kernel)(void *to, u32 size,
			   const void *from) = (void *)BPF_FUNC_probe_read_kernel;

/* enum netdev_state_t, include/linux/netdevice.h: bit numbers of net_device.state */
#define LINK_STATE_START 0
#define LINK_STATE_PRESENT 1
#define LINK_STATE_NOCARRIER 2
#define LINK_STATE_LINKWATCH_PENDING 3

/* enum netdev_cmd, include/linux/netdevice.h; NETDEV_PRECHANGEUPPER differs between kernels and comes from BTF */
#define NETDEV_UP 1
#define NETDEV_DOWN 2
#define NETDEV_CHANGE 4
#define NETDEV_UNREGISTER 6
#define NETDEV_GOING_DOWN 10

#endif
