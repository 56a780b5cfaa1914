#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs inside a guest that vm/machine.py booted on this machine's read-only file system: creates a writable root directory
# and runs the task of OUT/settings in it. Its results are the files in the directory OUT, which it shares with the host;
# the host uses nothing else.
#
# Usage: guest.sh OUT
set -euo pipefail

OUT=$1
exec >>"$OUT/log" 2>&1
REPO=$(cd "$(dirname "$0")/.." && pwd)
ROOT=/run/root

if [ -z "${IN_ROOT:-}" ]; then
	# virtme's root file system queries the host for every file access: slow under emulation. The same file system
	# mounted again with a cache, and with writes kept in memory, starts Python three times as fast.
	mkdir -p /run/host /run/writes $ROOT
	mount -t 9p -o ro,version=9p2000.L,trans=virtio,access=any,msize=524288,cache=loose host /run/host
	mount -t tmpfs writes /run/writes
	mkdir /run/writes/upper /run/writes/work
	mount -t overlay -o lowerdir=/run/host,upperdir=/run/writes/upper,workdir=/run/writes/work root $ROOT
	for dir in proc dev sys; do mount --rbind /$dir $ROOT/$dir; done
	for dir in run tmp; do mount -t tmpfs $dir $ROOT/$dir; done
	mkdir -p "$ROOT$OUT" "$ROOT$REPO" $ROOT/run/old
	mount --bind "$OUT" "$ROOT$OUT"
	[[ $REPO != /tmp/* ]] || mount --bind "/run/host$REPO" "$ROOT$REPO"
	# pivot_root, not chroot: a process that enters this mount namespace would be outside of a chroot.
	cd $ROOT
	pivot_root . run/old
	umount --lazy /run/old
	IN_ROOT=1 exec "$REPO/vm/guest.sh" "$OUT"
fi

# shellcheck source=/dev/null  # written by vm/machine.py: TASK, MODULES, and the task's own settings
set -a && source "$OUT/settings" && set +a
export OUT
uname -r >"$OUT/kernel"

release=$(uname -r)
[ -e "/lib/modules/$release" ] || { mkdir -p "/lib/modules/$release" && mount --bind "$MODULES/$release" "/lib/modules/$release"; }
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
mkdir -p /run/netns
ip link set lo up
dmesg --clear

cd "$REPO"
status=0
bash "$TASK" || status=$?
dmesg >"$OUT/dmesg"
echo $status >"$OUT/status"
