// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of PCI slots. pci-hyperv calls a VF's slot by the VF's serial number, and hv_netvsc pairs by it (get_netvsc_byslot()).
 * A true VF of QEMU's sits in a slot that has another name, or none.
 */
#include <linux/pci.h>
#include <linux/slab.h>
#include "host.h"

struct named_slot {
	struct list_head list;
	struct pci_slot *slot;
};

static LIST_HEAD(slots);
static DEFINE_MUTEX(slots_lock);

static void slot_free(struct named_slot *named)
{
	list_del(&named->list);
	pci_destroy_slot(named->slot);
	kfree(named);
}

void slots_free(void)
{
	struct named_slot *named, *next;

	mutex_lock(&slots_lock);
	list_for_each_entry_safe(named, next, &slots, list) slot_free(named);
	mutex_unlock(&slots_lock);
}

static int slot_new(struct pci_bus *bus, unsigned int device, const char *name)
{
	struct named_slot *named = kzalloc(sizeof(*named), GFP_KERNEL);
	int error = 0;

	if (!named)
		return -ENOMEM;
	named->slot = pci_create_slot(bus, device, name, NULL);
	if (IS_ERR(named->slot)) {
		error = PTR_ERR(named->slot);
		kfree(named);
		return error;
	}
	/* ACPI or a hot-plug driver may have made one before us, and pci_create_slot() leaves it its name. */
	if (strcmp(pci_slot_name(named->slot), name))
		error = kobject_rename(&named->slot->kobj, name);
	list_add_tail(&named->list, &slots);
	return error;
}

/* "DOMAIN:BUS:DEVICE.FUNCTION NAME" */
int slot_name(const char *line)
{
	unsigned int domain, number, device, function;
	struct named_slot *named, *next;
	struct pci_bus *bus;
	char name[16];
	int error;

	if (sscanf(line, "%x:%x:%x.%x %15s", &domain, &number, &device, &function, name) != 5)
		return -EINVAL;
	bus = pci_find_bus(domain, number);
	if (!bus)
		return -ENODEV;
	mutex_lock(&slots_lock);
	list_for_each_entry_safe(named, next, &slots,
				 list) if (named->slot->bus == bus && named->slot->number == device)
		slot_free(named);
	error = slot_new(bus, device, name);
	mutex_unlock(&slots_lock);
	return error;
}
