/* SPDX-License-Identifier: GPL-2.0-only */
/* bcc multiplies the pages of a ring buffer by this when it creates the map. */
#define PAGE_SIZE 4096
