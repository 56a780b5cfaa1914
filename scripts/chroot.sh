#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs a command in a root directory with /proc, a /dev of its own with the usual harmless devices, and empty /run and
# /tmp. The mounts are in a mount namespace of the command's own, and end with it.
#
# Usage: scripts/chroot.sh ROOT COMMAND [ARGUMENT...]
set -euo pipefail
exec unshare --mount --propagation private bash -euc '
	root=$1 && shift
	mount -t proc proc "$root/proc"
	for dir in dev run tmp; do mount -t tmpfs -o mode=0755 $dir "$root/$dir"; done
	chmod 1777 "$root/tmp"
	mkdir "$root/dev/shm" "$root/run/lock" && chmod 1777 "$root/dev/shm" "$root/run/lock"
	for node in null zero full random urandom; do
		touch "$root/dev/$node" && mount --bind "/dev/$node" "$root/dev/$node"
	done
	ln -s /proc/self/fd "$root/dev/fd"
	exec chroot "$root" "$@"
' chroot "$(realpath "$1")" "${@:2}"
