#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's first process: the file systems that netvsc-bpf needs, the drivers, and the agent.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root PYTHONPATH=/opt/site LANG=C.UTF-8
for dir in run tmp; do mount -t tmpfs $dir /$dir; done
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing
ln -sfn /proc/self/fd /dev/fd
ip link set lo up
for module in virtio_net e1000e sch_ingress cls_bpf; do modprobe $module || echo "boot.sh: no module $module"; done
python3 -P /opt/migration/agent.py
echo "boot.sh: the agent ended"
echo o >/proc/sysrq-trigger
sleep infinity
