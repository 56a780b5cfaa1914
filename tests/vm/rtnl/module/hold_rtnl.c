// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds RTNL for a while once a NIC of the given driver has been stopped, as another part of the kernel may do that wants
 * to know of it: notifiers are called under RTNL (call_netdevice_notifiers_info()).
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/netdevice.h>

static unsigned int ms;
module_param(ms, uint, 0644);
MODULE_PARM_DESC(ms, "how long RTNL is held");

static char driver[32];
module_param_string(driver, driver, sizeof(driver), 0644);
MODULE_PARM_DESC(driver, "the PCI driver of the NICs for which it is held");

static unsigned long long from_ns, until_ns;
module_param(from_ns, ullong, 0444);
module_param(until_ns, ullong, 0444);
MODULE_PARM_DESC(from_ns, "when it was held last: CLOCK_MONOTONIC");
MODULE_PARM_DESC(until_ns, "and until when; 0: it is still held");

static bool concerns(struct net_device *dev)
{
	struct device *parent = dev->dev.parent;

	return ms && parent && parent->driver && !strcmp(parent->driver->name, driver);
}

static int on_event(struct notifier_block *self, unsigned long event, void *info)
{
	if (event != NETDEV_DOWN || !concerns(netdev_notifier_info_to_dev(info)))
		return NOTIFY_DONE;
	until_ns = 0;
	from_ns = ktime_get_ns();
	msleep(ms);
	until_ns = ktime_get_ns();
	return NOTIFY_DONE;
}

static struct notifier_block notifier = { .notifier_call = on_event };

static int __init hold_rtnl_init(void)
{
	return register_netdevice_notifier(&notifier);
}

static void __exit hold_rtnl_exit(void)
{
	ms = 0; /* a notifier is called for each NIC when it is unregistered */
	unregister_netdevice_notifier(&notifier);
}

module_init(hold_rtnl_init);
module_exit(hold_rtnl_exit);
MODULE_DESCRIPTION("Holds RTNL when a NIC has been stopped, for the tests of netvsc-bpf");
MODULE_LICENSE("GPL");
