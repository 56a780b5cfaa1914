/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The length of a frame in XDP. The driver may have received a large one in several buffers: data and data_end are the
 * first of them only, and the kernel counts them together (bpf_xdp_get_buff_len(), Linux 5.18).
 *
 * XDP_FRAGS, set by the loader, is 1 where the kernel has such frames. A program that calls the helper is loaded as one
 * that accepts them (BPF_F_XDP_HAS_FRAGS; kernel/bpf/program_templates.py).
 */
#ifndef __NETVSC_BPF_FRAME_LENGTH_H
#define __NETVSC_BPF_FRAME_LENGTH_H

#ifndef XDP_FRAGS
#error "XDP_FRAGS is missing: compile through netvsc_bpf.kernel.compile.compiler"
#endif

static __always_inline u64 frame_length(struct xdp_md *ctx)
{
#if XDP_FRAGS
	return bpf_xdp_get_buff_len((void *)ctx); /* bcc declares it for struct xdp_buff */
#else
	return ctx->data_end - ctx->data;
#endif
}

#endif
