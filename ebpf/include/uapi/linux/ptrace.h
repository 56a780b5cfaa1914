/* SPDX-License-Identifier: GPL-2.0-only */
/* Included by bcc on its own account; nothing here needs it. */
