/* SPDX-License-Identifier: GPL-2.0-only */
/* KERNEL_VERSION is defined in <linux/kconfig.h>. */
