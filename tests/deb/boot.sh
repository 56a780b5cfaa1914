#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A machine made of a root directory, with its writes kept apart: runs a command in it, or systemd as its first process. Run
# by machine.py in new mount and PID namespaces (for systemd also IPC, UTS and cgroup namespaces).
#
# Usage: boot.sh LOWER WRITES SHARE COMMAND...    LOWER as overlayfs takes it; SHARE is seen as /share
set -euo pipefail
lower=$1 writes=$2 share=$3
shift 3
root=$writes/root

mount --make-rprivate /
mkdir -p "$root" "$writes/upper" "$writes/work"
mount -t overlay -o "lowerdir=$lower,upperdir=$writes/upper,workdir=$writes/work" root "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t bpf -o mode=0700 bpf "$root/sys/fs/bpf" # as systemd mounts it
mount -t tmpfs run "$root/run"
mount -t tmpfs tmp "$root/tmp"
mkdir -p "$root/run/old" "$root/run/netns" "$root/share"
mount --bind "$share" "$root/share"

# Devices of its own: an udevd in here must not touch those of this machine.
mount -t tmpfs -o mode=0755 dev "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount -t tmpfs shm "$root/dev/shm"
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/zero" c 1 5
mknod -m 666 "$root/dev/full" c 1 7
mknod -m 666 "$root/dev/random" c 1 8
mknod -m 666 "$root/dev/urandom" c 1 9
mknod -m 666 "$root/dev/tty" c 5 0
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

if [ "$1" = systemd ]; then
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	# Only what the test starts: no coldplug of this machine's devices, no login, no clock.
	mkdir -p "$root/etc/systemd/system"
	printf '[Unit]\nWants=dbus.socket systemd-udevd.service systemd-journald.service\n' \
		>"$root/etc/systemd/system/bare.target"
	ln -sf /dev/null "$root/etc/systemd/system/systemd-udev-trigger.service"
	ln -sf /dev/null "$root/etc/systemd/system/systemd-logind.service"
	rm -f "$root"/etc/systemd/system/*.wants/*
	head -c 16 /dev/urandom | od -An -vtx1 | tr -d ' \n' >"$root/etc/machine-id"
	set -- /lib/systemd/systemd --system --unit=bare.target --log-target=console --show-status=no
else
	# What package archives are reached by.
	for file in /etc/resolv.conf /etc/hosts; do
		[ ! -e $file ] || cp -L $file "$root$file"
	done
fi

cd "$root"
pivot_root . run/old
umount -l /run/old
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive container=lab \
	"$@"
