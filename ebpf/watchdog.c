// SPDX-License-Identifier: GPL-2.0-only
/*
 * watchdog: hears that a VF's transmit queue is stuck. A raw tracepoint, so that it serves the rung `live` as well, where
 * there is no sentinel.
 */
#include "abi.h"
#include "vf.h"

int net_dev_xmit_timeout(struct bpf_raw_tracepoint_args *ctx)
{
	leave_device(ctx->args[0], REASON_TX_TIMEOUT);
	return 0;
}
