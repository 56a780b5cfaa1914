// SPDX-License-Identifier: GPL-2.0-only
/*
 * watchdog: leaves a VF whose transmit queue timed out. It is a raw tracepoint, so that it works on level `live` too,
 * which has no sentinel.
 */
#include "abi.h"
#include "vf.h"

int net_dev_xmit_timeout(struct bpf_raw_tracepoint_args *ctx)
{
	leave_device(ctx->args[0], REASON_TX_TIMEOUT);
	return 0;
}
