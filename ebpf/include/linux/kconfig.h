/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bcc includes <linux/kconfig.h> before everything else. These headers replace the kernel's, so that the programs
 * compile where no kernel headers are installed: they need only the fixed-width types and two configuration macros.
 * The UAPI of BPF itself comes from the copy that bcc carries (<bcc/bpf.h>).
 */
#ifndef __NETVSC_BPF_KCONFIG_H
#define __NETVSC_BPF_KCONFIG_H

#define CONFIG_BPF_SYSCALL 1
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#define LINUX_VERSION_CODE KERNEL_VERSION(5, 15, 0)

#include <linux/types.h>

#endif
