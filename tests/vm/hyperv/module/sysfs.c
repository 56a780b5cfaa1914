// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an operator of the host can do and see.
 *
 *   /sys/devices/hyperv_host/add       MAC [SERIAL]: adds a NIC: an hv_netvsc device and its wire, hv_wireN; with
 *                                      a serial, a VF is associated from the beginning
 *                            remove    N: rescinds the channel of NIC N
 *                            slot      0000:01:10.0 7: names a VF's PCI slot by its serial, as pci-hyperv does
 *                            vf_port   the name of the device behind which VFs hang
 *   /sys/bus/vmbus/devices/GUID/host/vf         1 7, or 0: a VF of serial 7 is associated, or none
 *                                    link       up, down, change: media connect, disconnect, network change
 *                                    gate       strict, split, lenient: see enum gate
 *                                    datapath   what the guest asked for last, and since when
 *                                    stats      counters, a line each
 */
#if __has_include(<linux/hex.h>)
#include <linux/hex.h> /* mac_pton(), which was in <linux/kernel.h> */
#endif
#include <linux/pci.h>
#include <linux/rndis.h>
#include "host.h"

static ssize_t vf_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u %u\n", to_nic(dev)->vf_allocated, to_nic(dev)->vf_serial);
}

static ssize_t vf_store(struct device *dev, struct device_attribute *attr, const char *buf,
			size_t count)
{
	struct nic *nic = to_nic(dev);
	u32 allocated, serial = nic->vf_serial;

	if (sscanf(buf, "%u %u", &allocated, &serial) < 1)
		return -EINVAL;
	nic->vf_allocated = allocated;
	nic->vf_serial = serial;
	nvsp_associate(nic);
	return count;
}
static DEVICE_ATTR_RW(vf);

static ssize_t link_store(struct device *dev, struct device_attribute *attr, const char *buf,
			  size_t count)
{
	struct nic *nic = to_nic(dev);

	if (sysfs_streq(buf, "change")) {
		rndis_indicate(nic, RNDIS_STATUS_NETWORK_CHANGE);
		return count;
	}
	if (!sysfs_streq(buf, "up") && !sysfs_streq(buf, "down"))
		return -EINVAL;
	nic->link_down = sysfs_streq(buf, "down");
	rndis_indicate(nic,
		       nic->link_down ? RNDIS_STATUS_MEDIA_DISCONNECT : RNDIS_STATUS_MEDIA_CONNECT);
	return count;
}
static DEVICE_ATTR_WO(link);

static const char *const gates[] = {
	[GATE_STRICT] = "strict",
	[GATE_SPLIT] = "split",
	[GATE_LENIENT] = "lenient",
};

static ssize_t gate_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", gates[to_nic(dev)->gate]);
}

static ssize_t gate_store(struct device *dev, struct device_attribute *attr, const char *buf,
			  size_t count)
{
	int gate = sysfs_match_string(gates, buf);

	if (gate < 0)
		return gate;
	to_nic(dev)->gate = gate;
	return count;
}
static DEVICE_ATTR_RW(gate);

static ssize_t datapath_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct nic *nic = to_nic(dev);

	return sysfs_emit(buf, "%s %lld\n", nic->datapath ? "vf" : "synthetic",
			  ktime_to_ns(nic->switched_at));
}
static DEVICE_ATTR_RO(datapath);

static const char *const counter_names[COUNTERS] = {
	[TX_SYNTHETIC] = "tx_synthetic",
	[TX_SYNTHETIC_BYTES] = "tx_synthetic_bytes",
	[TX_VF] = "tx_vf",
	[RX_SYNTHETIC] = "rx_synthetic",
	[RX_SYNTHETIC_BYTES] = "rx_synthetic_bytes",
	[RX_VF] = "rx_vf",
	[DROPPED_GATE] = "dropped_gate",
	[DROPPED_FILTER] = "dropped_filter",
	[DROPPED_FULL] = "dropped_full",
	[REFUSED] = "refused",
	[BACKLOGGED] = "backlogged",
	[RING_FULL] = "ring_full",
	[SWITCHED_TO_SYNTHETIC] = "switched_to_synthetic",
	[SWITCHED_TO_VF] = "switched_to_vf",
};

static ssize_t stats_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct nic *nic = to_nic(dev);
	ssize_t length;
	u32 used;
	int i;

	spin_lock_bh(&nic->lock);
	used = nic->sections ? bitmap_weight(nic->section_map, nic->sections) : 0;
	spin_unlock_bh(&nic->lock);
	length = sysfs_emit(buf, "wire %s\nchannels %u\nsections_in_use %u\n", nic->wire->name,
			    nic->channels, used);
	for (i = 0; i < COUNTERS; i++)
		length += sysfs_emit_at(buf, length, "%s %lld\n", counter_names[i],
					atomic64_read(&nic->count[i]));
	return length;
}
static DEVICE_ATTR_RO(stats);

static struct attribute *nic_attributes[] = {
	&dev_attr_vf.attr,	 &dev_attr_link.attr,  &dev_attr_gate.attr,
	&dev_attr_datapath.attr, &dev_attr_stats.attr, NULL,
};
static const struct attribute_group nic_group = { .name = "host", .attrs = nic_attributes };
const struct attribute_group *nic_groups[] = { &nic_group, NULL };

static ssize_t add_store(struct device *dev, struct device_attribute *attr, const char *buf,
			 size_t count)
{
	u8 mac[ETH_ALEN];
	u32 serial = 0;
	int error;

	if (!mac_pton(buf, mac) || !is_valid_ether_addr(mac))
		return -EINVAL;
	sscanf(buf, "%*s %u", &serial);
	error = nic_add(mac, serial);
	return error ?: count;
}
static DEVICE_ATTR_WO(add);

static ssize_t remove_store(struct device *dev, struct device_attribute *attr, const char *buf,
			    size_t count)
{
	int index, error;

	error = kstrtoint(buf, 0, &index) ?: nic_remove(index);
	return error ?: count;
}
static DEVICE_ATTR_WO(remove);

static ssize_t slot_store(struct device *dev, struct device_attribute *attr, const char *buf,
			  size_t count)
{
	return slot_name(buf) ?: count;
}
static DEVICE_ATTR_WO(slot);

static ssize_t vf_port_file_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return vf_port_show(buf);
}

static ssize_t vf_port_store(struct device *dev, struct device_attribute *attr, const char *buf,
			     size_t count)
{
	char name[IFNAMSIZ];

	if (strscpy(name, buf, sizeof(name)) < 0)
		return -EINVAL;
	return vf_port_set(strim(name)) ?: count;
}
static struct device_attribute dev_attr_vf_port =
	__ATTR(vf_port, 0644, vf_port_file_show, vf_port_store);

int host_files(struct device *root)
{
	return device_create_file(root, &dev_attr_add)		  ?:
		       device_create_file(root, &dev_attr_remove) ?:
		       device_create_file(root, &dev_attr_slot)	  ?:
		       device_create_file(root, &dev_attr_vf_port);
}
