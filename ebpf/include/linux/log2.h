/* SPDX-License-Identifier: GPL-2.0-only */
/* bcc names it in histogram helpers that we do not use. */
#define roundup_pow_of_two(n) (1)
