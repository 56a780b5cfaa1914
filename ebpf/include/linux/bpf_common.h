/* SPDX-License-Identifier: GPL-2.0-only */
/* <bcc/bpf.h> includes this for the classic BPF opcodes, which no program here uses. */
