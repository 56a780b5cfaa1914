// SPDX-License-Identifier: GPL-2.0-only
/* The host's thread of a NIC: takes what the guest has put into its rings, channel by channel. */
#include <linux/delay.h>
#include <linux/rcupdate.h>
#include "host.h"

#define BATCH 64 /* packets of one channel before the next has its turn */

static bool anything_to_do(struct nic *nic)
{
	bool found = false;
	u32 i;

	rcu_read_lock(); /* close_one() frees rings */
	for (i = 0; i < MAX_CHANNELS && !found; i++)
		found = outbound_pending(&nic->channel[i]);
	rcu_read_unlock();
	return found;
}

static void take_batch(struct channel *channel)
{
	struct nic *nic = channel->nic;
	int left = BATCH;

	mutex_lock(&nic->busy);
	while (left-- && outbound_read(channel, nic->message)) {
		local_bh_disable();
		nvsp_take(channel, (void *)nic->message);
		local_bh_enable();
	}
	mutex_unlock(&nic->busy);
}

static int serve(void *context)
{
	struct nic *nic = context;
	u32 i;

	while (!kthread_should_stop()) {
		wait_event_interruptible(nic->wake, anything_to_do(nic) || kthread_should_stop());
		if (delay_us)
			fsleep(delay_us);
		for (i = 0; i < MAX_CHANNELS; i++)
			take_batch(&nic->channel[i]);
	}
	return 0;
}

int host_start(struct nic *nic)
{
	struct task_struct *thread;

	nic->message = kvzalloc(PACKET_MAX, GFP_KERNEL);
	if (!nic->message)
		return -ENOMEM;
	thread = kthread_run(serve, nic, "hyperv-host/%d", nic->index);
	if (IS_ERR(thread)) {
		kvfree(nic->message);
		return PTR_ERR(thread);
	}
	nic->thread = thread;
	return 0;
}

void host_stop(struct nic *nic)
{
	kthread_stop(nic->thread);
	kvfree(nic->message);
}
