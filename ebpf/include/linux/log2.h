/* SPDX-License-Identifier: GPL-2.0-only */
/* Used by bcc's histogram helpers, which the programs do not call. */
#define roundup_pow_of_two(n) (1)
