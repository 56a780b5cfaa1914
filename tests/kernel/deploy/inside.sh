#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What test_unit.py has done with the unit, in the container: each step leaves its output in SHARE, by its name.
set -u
SHARE=$1

step() {
	local name=$1
	shift
	"$@" >"$SHARE/$name" 2>&1
	echo "status $?" >>"$SHARE/$name"
}
# A reload is done when systemd hears READY; its message is in the journal by then, or shortly after.
logged() {
	local _
	for _ in $(seq 100); do
		journalctl -u netvsc-bpf --no-pager --output=cat | grep -q -- "$1" && return
		sleep 0.1
	done
}
trap 'systemctl poweroff -ff' EXIT

systemd-sysusers
netvsc_bpf=/opt/netvsc-bpf/bin/netvsc-bpf

$netvsc_bpf attach eth0 --any-bus >"$SHARE/before" 2>&1 # root's own, which the service takes over
step start systemctl start netvsc-bpf
logged 'permitted: vf0, settle time 20 ms'
step pins find /sys/fs/bpf/netvsc-bpf -printf '%u %m\n'
step process cat "/proc/$(systemctl show -P MainPID netvsc-bpf)/status"
step status $netvsc_bpf status --json
step ipv6 cat /proc/sys/net/ipv6/conf/vf0/disable_ipv6

sed -i 's/settle_ms = 20/settle_ms = 5/' /etc/netvsc-bpf/netvsc-bpf.toml
step reload-bad systemctl reload netvsc-bpf
logged 'the previous configuration stays in force'
sed -i 's/settle_ms = 5/settle_ms = 50/' /etc/netvsc-bpf/netvsc-bpf.toml
step reload-good systemctl reload netvsc-bpf
logged 'permitted: vf0, settle time 50 ms'

step stop systemctl stop netvsc-bpf
step after $netvsc_bpf status --json
echo nonsense >>/etc/netvsc-bpf/netvsc-bpf.toml
step start-bad systemctl start netvsc-bpf
step restarts systemctl show -P NRestarts netvsc-bpf
step detach $netvsc_bpf detach --all
step left find /sys/fs/bpf/netvsc-bpf
# Row 11: networkd has a file for every NIC, and udev called one of them a VF. There is no udev in here: its database is
# written by hand.
mkdir -p /run/udev/data
for nic in /sys/class/net/*; do
	printf 'I:1\n' >"/run/udev/data/n$(cat "$nic/ifindex")"
done
printf 'E:NETVSC_BPF_VF=1\n' >>"/run/udev/data/n$(cat /sys/class/net/vf0/ifindex)"
printf '[Match]\nName=*\n[Network]\nLinkLocalAddressing=no\nAddress=10.77.0.1/24\n' >/etc/systemd/network/20-all.network
step networkd systemctl start systemd-networkd
for _ in $(seq 100); do
	ip -o -4 address show dev eth0 | grep -q 10.77 && break
	sleep 0.1
done
step networkd-vf0 cat "/run/systemd/netif/links/$(cat /sys/class/net/vf0/ifindex)"
step addresses ip -o -4 address
systemctl stop systemd-networkd

step journal journalctl -u netvsc-bpf --no-pager --output=cat
