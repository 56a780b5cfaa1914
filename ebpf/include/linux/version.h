/* SPDX-License-Identifier: GPL-2.0-only */
/* KERNEL_VERSION stands in <linux/kconfig.h>. */
