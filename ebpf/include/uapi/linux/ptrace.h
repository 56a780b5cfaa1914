/* SPDX-License-Identifier: GPL-2.0-only */
/* Included by bcc; the programs do not need it. */
