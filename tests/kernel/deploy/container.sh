#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A machine for systemd: this one's file system with writes in memory, and namespaces of its own. Run by test_unit.py in
# new mount, PID, IPC, UTS and cgroup namespaces, in the network namespace of a lab's guest.
#
# Usage: container.sh REPO WORK    WORK/share is seen from both sides
set -euo pipefail
REPO=$1
WORK=$2
ROOT=$WORK/root

mkdir -p "$ROOT" "$WORK/writes"
mount -t tmpfs writes "$WORK/writes"
mkdir "$WORK/writes/upper" "$WORK/writes/work"
mount -t overlay -o "lowerdir=/,upperdir=$WORK/writes/upper,workdir=$WORK/writes/work" root "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t sysfs sysfs "$ROOT/sys"
mount -t cgroup2 cgroup2 "$ROOT/sys/fs/cgroup"
mount -t bpf -o mode=0700 bpf "$ROOT/sys/fs/bpf" # as systemd mounts it on a machine of its own
mount --rbind /dev "$ROOT/dev"
mount -t tmpfs run "$ROOT/run"
mount -t tmpfs tmp "$ROOT/tmp"
mkdir -p "$ROOT/run/old" "$ROOT$REPO" "$ROOT$WORK/share"
mount --bind "$REPO" "$ROOT$REPO"
mount --bind "$WORK/share" "$ROOT$WORK/share"

# As deploy/README.md has it, but for the program: a link to this checkout, which the unit would not see below /tmp or
# /root otherwise.
mkdir -p "$ROOT/opt/netvsc-bpf/bin" "$ROOT/etc/sysusers.d" "$ROOT/etc/systemd/system/netvsc-bpf.service.d"
ln -s "$REPO/.venv/bin/netvsc-bpf" "$ROOT/opt/netvsc-bpf/bin/netvsc-bpf"
cp "$REPO/deploy/systemd/netvsc-bpf.service" "$ROOT/etc/systemd/system/"
cp "$REPO/deploy/sysusers.d/netvsc-bpf.conf" "$ROOT/etc/sysusers.d/"
install -D "$WORK/share/netvsc-bpf.toml" "$ROOT/etc/netvsc-bpf/netvsc-bpf.toml"
mkdir -p "$ROOT/etc/systemd/network"
rm -f "$ROOT"/etc/systemd/network/*
cp "$REPO"/deploy/networkd/*.network "$ROOT/etc/systemd/network/"
cat >"$ROOT/etc/systemd/system/netvsc-bpf.service.d/checkout.conf" <<-CONF
	[Service]
	BindReadOnlyPaths=$REPO
CONF

# Nothing of this machine's own is started beside it.
rm -f "$ROOT"/etc/systemd/system/*.wants/*
head -c 16 /dev/urandom | od -An -vtx1 | tr -d ' \n' >"$ROOT/etc/machine-id"
cat >"$ROOT/etc/systemd/system/lab.target" <<-CONF
	[Unit]
	Wants=script.service
CONF
cat >"$ROOT/etc/systemd/system/script.service" <<-CONF
	[Service]
	Type=oneshot
	ExecStart=/bin/bash $REPO/tests/kernel/deploy/inside.sh $WORK/share
CONF

cd "$ROOT"
pivot_root . run/old
umount -l /run/old
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=lab /lib/systemd/systemd --system --unit=lab.target \
	--log-target=console --show-status=no
