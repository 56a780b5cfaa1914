// SPDX-License-Identifier: GPL-2.0-only
/* The VMBus as Linux sees it: a bus whose devices are the NICs that the host offers. And the module. */
#include <linux/slab.h>
#include "host.h"

uint queues = 1;
module_param(queues, uint, 0644);
MODULE_PARM_DESC(queues,
		 "receive queues offered (vRSS); hv_netvsc uses no more than there are CPUs");
bool offload = true;
module_param(offload, bool, 0644);
MODULE_PARM_DESC(offload, "offer checksum and large send offload");
uint switch_ms;
module_param(switch_ms, uint, 0644);
MODULE_PARM_DESC(switch_ms, "how long the host takes to switch the data path, in ms");
uint delay_us;
module_param(delay_us, uint, 0644);
MODULE_PARM_DESC(delay_us, "how long a message of the guest's waits for the host, in us");

LIST_HEAD(nics);
static DEFINE_MUTEX(nics_lock);
static struct device *root;

static const struct hv_vmbus_device_id *id_of(const struct hv_driver *driver,
					      const struct hv_device *hv)
{
	const struct hv_vmbus_device_id *id = driver->id_table;

	for (; id && !guid_is_null(&id->guid); id++)
		if (guid_equal(&id->guid, &hv->dev_type))
			return id;
	return NULL;
}

static int bus_match(struct device *dev, const_since_6_11 struct device_driver *driver)
{
	return id_of(drv_to_hv_drv(driver), device_to_hv_device(dev)) != NULL;
}

static int bus_probe(struct device *dev)
{
	struct hv_driver *driver = drv_to_hv_drv(dev->driver);
	struct hv_device *hv = device_to_hv_device(dev);

	return driver->probe(hv, id_of(driver, hv));
}

static void bus_remove(struct device *dev)
{
	struct hv_driver *driver = drv_to_hv_drv(dev->driver);

	if (driver->remove)
		driver->remove(device_to_hv_device(dev));
}

static int bus_uevent(const_since_6_11 struct device *dev, struct kobj_uevent_env *env)
{
	const struct hv_device *hv = container_of(dev, const struct hv_device, device);

	return add_uevent_var(env, "MODALIAS=vmbus:%*phN", UUID_SIZE, &hv->dev_type);
}

static const_since_6_11 struct bus_type bus = {
	.name = "vmbus",
	.match = bus_match,
	.probe = bus_probe,
	.remove = bus_remove,
	.uevent = bus_uevent,
};

int driver_add(struct hv_driver *driver, struct module *owner, const char *mod_name)
{
	driver->driver.name = driver->name;
	driver->driver.owner = owner;
	driver->driver.mod_name = mod_name;
	driver->driver.bus = &bus;
	return driver_register(&driver->driver);
}

static void nic_release(struct device *dev)
{
	struct nic *nic = to_nic(dev);

	bitmap_free(nic->section_map);
	kvfree(nic);
}

static void init_channels(struct nic *nic)
{
	int i;

	nic->channels = 1;
	for (i = 0; i < MAX_CHANNELS; i++) {
		struct channel *channel = &nic->channel[i];
		struct vmbus_channel *ch = &channel->vmbus;

		channel->nic = nic;
		spin_lock_init(&channel->lock);
		INIT_LIST_HEAD(&channel->backlog);
		ch->device_obj = i ? NULL : &nic->hv;
		ch->primary_channel = i ? &nic->channel[0].vmbus : NULL;
		ch->offermsg.offer.sub_channel_index = i;
		ch->state = CHANNEL_OPEN_STATE;
		INIT_LIST_HEAD(&ch->sc_list);
	}
}

static void init_device(struct nic *nic)
{
	static const struct hv_vmbus_device_id type = { HV_NIC_GUID };
	struct hv_device *hv = &nic->hv;

	hv->channel = &nic->channel[0].vmbus;
	hv->vendor_id = 0x1414;
	hv->dev_type = type.guid;
	guid_gen(&hv->dev_instance);
	hv->dma_mask = DMA_BIT_MASK(64);
	hv->device.dma_mask = &hv->dma_mask;
	hv->device.dma_parms = &hv->dma_parms;
	hv->device.coherent_dma_mask = DMA_BIT_MASK(64);
	hv->device.bus = &bus;
	hv->device.parent = root;
	hv->device.release = nic_release;
	hv->device.groups = nic_groups;
	dev_set_name(&hv->device, "%pUl", &hv->dev_instance);
	device_initialize(&hv->device);
}

static struct nic *nic_new(const u8 *mac, int index)
{
	struct nic *nic = kvzalloc(sizeof(*nic), GFP_KERNEL);

	if (!nic)
		return NULL;
	ether_addr_copy(nic->mac, mac);
	nic->index = index;
	spin_lock_init(&nic->lock);
	mutex_init(&nic->busy);
	init_waitqueue_head(&nic->wake);
	INIT_WORK(&nic->offer_work, channels_offer);
	INIT_DELAYED_WORK(&nic->switch_work, nvsp_switched);
	init_channels(nic);
	init_device(nic);
	return nic;
}

static int nic_offer(struct nic *nic)
{
	int error;

	nic->wire = wire_new(nic);
	if (IS_ERR(nic->wire))
		return PTR_ERR(nic->wire);
	error = host_start(nic);
	if (error)
		goto no_thread;
	error = device_add(&nic->hv.device);
	if (error)
		goto no_device;
	list_add_tail_rcu(&nic->list, &nics);
	return 0;
no_device:
	host_stop(nic);
no_thread:
	wire_free(nic->wire);
	return error;
}

/* Offer a NIC; `serial` of the VF that is associated with it, 0: none. */
int nic_add(const u8 *mac, u32 serial)
{
	static int next;
	struct nic *nic;
	int error = -ENOMEM;

	mutex_lock(&nics_lock);
	nic = nic_new(mac, next);
	if (nic) {
		nic->vf_allocated = !!serial;
		nic->vf_serial = serial;
		error = nic_offer(nic);
		if (error)
			put_device(&nic->hv.device);
		else
			next++;
	}
	mutex_unlock(&nics_lock);
	return error;
}

/* Rescind the channels, as a host does that takes the NIC away. The caller holds nics_lock. */
static void nic_rescind(struct nic *nic)
{
	int i;

	for (i = 0; i < MAX_CHANNELS; i++)
		nic->channel[i].vmbus.rescind = true;
	list_del_rcu(&nic->list);
	synchronize_net();
	device_del(&nic->hv.device);
	wire_free(nic->wire);
	host_stop(nic);
	put_device(&nic->hv.device);
}

int nic_remove(int index)
{
	struct nic *nic, *next;
	int error = -ENODEV;

	mutex_lock(&nics_lock);
	list_for_each_entry_safe(nic, next, &nics, list) if (nic->index == index)
	{
		nic_rescind(nic);
		error = 0;
	}
	mutex_unlock(&nics_lock);
	return error;
}

static int __init host_init(void)
{
	int error = bus_register(&bus);

	if (error)
		return error;
	root = root_device_register("hyperv_host");
	if (IS_ERR(root)) {
		error = PTR_ERR(root);
		goto no_root;
	}
	error = vswitch_start() ?: host_files(root);
	if (!error)
		return 0;
	root_device_unregister(root);
no_root:
	bus_unregister(&bus);
	return error;
}

static void __exit host_exit(void)
{
	struct nic *nic, *next;

	mutex_lock(&nics_lock);
	list_for_each_entry_safe(nic, next, &nics, list) nic_rescind(nic);
	mutex_unlock(&nics_lock);
	vswitch_stop();
	slots_free();
	root_device_unregister(root);
	bus_unregister(&bus);
}

module_init(host_init);
module_exit(host_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A Hyper-V host for tests of hv_netvsc");
