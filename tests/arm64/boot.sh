#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's first process: the file systems that netvsc-bpf needs, an environment that imports the checkout, and the task
# of /out/settings. Its results are the files in /out.
exec >>/out/log 2>&1
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 PYTHONPYCACHEPREFIX=/compiled
for dir in run tmp; do mount -t tmpfs $dir /$dir; done
mkdir -p /dev/pts /dev/shm /run/netns
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing
ln -sfn /proc/self/fd /dev/fd
ip link set lo up

# shellcheck source=/dev/null  # written by vm/machine.py
set -a && source /out/settings && set +a
export OUT=/out
uname -r >/out/kernel
dmesg --clear

cd /src || exit
# The package as it is installed: commands and programs below it.
for part in cli ebpf; do ln -sfn ../$part netvsc_bpf/$part; done
rm -rf .venv
/usr/bin/python3 -m venv --without-pip --system-site-packages .venv
printf '%s\n' /opt/site /src >"$(echo .venv/lib/python3*/site-packages)/checkout.pth"

status=0
bash "$TASK" || status=$?
dmesg >/out/dmesg
echo $status >/out/status
sync
echo o >/proc/sysrq-trigger
sleep infinity
