// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual switch: for each NIC a network device of this module, the wire, which is the outside network; and an
 * existing device, the VF's port, whose other end is a real VF.
 *
 *   wire --> VMBus or the VF's port, by the data path and the gate     VMBus --> wire     VF's port --> wire
 *
 * A frame that comes in by the VF's port belongs to the NIC with its source MAC; others (of a bridge in the guest) go to
 * every wire.
 */
#include <linux/if_arp.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h>
#include "host.h"

static struct net_device __rcu *vf_port;

static bool opens_tcp(struct sk_buff *skb)
{
	struct {
		struct ethhdr eth;
		struct iphdr ip;
	} __packed buffer, *frame;
	struct tcphdr tcp_buffer, *tcp;

	frame = skb_header_pointer(skb, 0, sizeof(buffer), &buffer);
	if (!frame || frame->eth.h_proto != htons(ETH_P_IP) || frame->ip.protocol != IPPROTO_TCP)
		return false;
	tcp = skb_header_pointer(skb, ETH_HLEN + frame->ip.ihl * 4, sizeof(tcp_buffer),
				 &tcp_buffer);
	return tcp && tcp->syn && !tcp->ack;
}

static bool by_vmbus(struct nic *nic, struct sk_buff *skb)
{
	if (!READ_ONCE(nic->datapath) || nic->gate == GATE_LENIENT)
		return true;
	return nic->gate == GATE_SPLIT && (is_multicast_ether_addr(skb->data) || opens_tcp(skb));
}

static bool by_vf(struct nic *nic, struct sk_buff *skb)
{
	if (nic->gate == GATE_LENIENT)
		return true;
	return READ_ONCE(nic->datapath) && !(nic->gate == GATE_SPLIT && by_vmbus(nic, skb));
}

static netdev_tx_t wire_xmit(struct sk_buff *skb, struct net_device *wire)
{
	struct nic *nic = *(struct nic **)netdev_priv(wire);
	bool vmbus = by_vmbus(nic, skb), vf = by_vf(nic, skb);
	struct net_device *port;
	struct sk_buff *copy;

	dev_sw_netstats_tx_add(wire, 1, skb->len);
	rcu_read_lock_bh();
	port = rcu_dereference_bh(vf_port);
	if (vf && port) {
		copy = vmbus ? skb_copy(skb, GFP_ATOMIC) : skb;
		if (copy) {
			add(nic, RX_VF, 1);
			copy->dev = port;
			dev_queue_xmit(copy);
		}
		if (copy == skb)
			skb = NULL;
	}
	rcu_read_unlock_bh();
	if (!skb)
		return NETDEV_TX_OK;
	if (vmbus) {
		frame_to_guest(nic, skb);
	} else {
		add(nic, DROPPED_GATE, 1);
		kfree_skb(skb);
	}
	return NETDEV_TX_OK;
}

static void to_wire(struct net_device *wire, struct sk_buff *skb)
{
	dev_sw_netstats_rx_add(wire, skb->len);
	skb->pkt_type = PACKET_HOST; /* it may have been another device's */
	skb->protocol = eth_type_trans(skb, wire);
	netif_rx(skb);
}

void vswitch_from_guest(struct nic *nic, struct sk_buff *skb)
{
	to_wire(nic->wire, skb);
}

static struct nic *nic_of(const u8 *mac)
{
	struct nic *nic;

	list_for_each_entry_rcu(nic, &nics, list) if (ether_addr_equal(nic->mac, mac)) return nic;
	return NULL;
}

static rx_handler_result_t vf_port_rx(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb, *copy;
	struct nic *nic;

	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb)
		return RX_HANDLER_CONSUMED;
	skb_push(skb, ETH_HLEN);
	nic = nic_of(eth_hdr(skb)->h_source);
	if (nic) {
		add(nic, TX_VF, 1);
		to_wire(nic->wire, skb);
		return RX_HANDLER_CONSUMED;
	}
	list_for_each_entry_rcu(nic, &nics, list)
	{
		copy = skb_copy(skb, GFP_ATOMIC);
		if (copy)
			to_wire(nic->wire, copy);
	}
	consume_skb(skb);
	return RX_HANDLER_CONSUMED;
}

/* The caller holds RTNL. */
static void let_go(void)
{
	struct net_device *port = rtnl_dereference(vf_port);

	if (!port)
		return;
	RCU_INIT_POINTER(vf_port, NULL);
	netdev_rx_handler_unregister(port);
	dev_set_promiscuity(port, -1);
	synchronize_net();
	dev_put(port);
}

static void vf_port_release(void)
{
	rtnl_lock();
	let_go();
	rtnl_unlock();
}

/* Make the device of that name, in the first network namespace, the VF's port; an empty name: none. */
int vf_port_set(const char *name)
{
	struct net_device *port;
	int error = 0;

	rtnl_lock();
	let_go();
	if (!*name)
		goto out;
	port = dev_get_by_name(&init_net, name);
	if (!port) {
		error = -ENODEV;
		goto out;
	}
	error = netdev_rx_handler_register(port, vf_port_rx, NULL);
	if (error) {
		dev_put(port);
		goto out;
	}
	dev_set_promiscuity(port, 1);
	rcu_assign_pointer(vf_port, port);
out:
	rtnl_unlock();
	return error;
}

ssize_t vf_port_show(char *buf)
{
	struct net_device *port;
	ssize_t length;

	rcu_read_lock();
	port = rcu_dereference(vf_port);
	length = sysfs_emit(buf, "%s\n", port ? port->name : "");
	rcu_read_unlock();
	return length;
}

static int vf_port_event(struct notifier_block *block, unsigned long event, void *info)
{
	struct net_device *dev = netdev_notifier_info_to_dev(info);

	if (event == NETDEV_UNREGISTER && dev == rtnl_dereference(vf_port))
		let_go();
	return NOTIFY_DONE;
}

static struct notifier_block vf_port_notifier = { .notifier_call = vf_port_event };

int vswitch_start(void)
{
	return register_netdevice_notifier(&vf_port_notifier);
}

void vswitch_stop(void)
{
	unregister_netdevice_notifier(&vf_port_notifier);
	vf_port_release();
}

static const struct net_device_ops wire_ops = {
	.ndo_start_xmit = wire_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static void wire_setup(struct net_device *wire)
{
	ether_setup(wire);
	wire->netdev_ops = &wire_ops;
	wire->max_mtu = ETH_MAX_MTU;
	wire->features = wire->hw_features = NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA |
					     NETIF_F_HW_VLAN_CTAG_TX;
	wire->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	eth_hw_addr_random(wire);
}

/* The other end of a NIC, hv_wireN. Fails as register_netdev() does. */
struct net_device *wire_new(struct nic *nic)
{
	struct net_device *wire;
	int error;

	wire = alloc_netdev(sizeof(nic), "hv_wire%d", NET_NAME_ENUM, wire_setup);
	if (!wire)
		return ERR_PTR(-ENOMEM);
	*(struct nic **)netdev_priv(wire) = nic;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	wire->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
#else
	wire->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	if (!wire->tstats) {
		free_netdev(wire);
		return ERR_PTR(-ENOMEM);
	}
#endif
	error = register_netdev(wire);
	if (error) {
		wire_free(wire);
		return ERR_PTR(error);
	}
	return wire;
}

void wire_free(struct net_device *wire)
{
	if (wire->reg_state == NETREG_REGISTERED)
		unregister_netdev(wire);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	free_percpu(wire->tstats);
#endif
	free_netdev(wire);
}
