#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Checks what the tests and the demo need from the running kernel: root, and a bpffs. Debian mounts one at boot;
# containers and minimal virtual machines often do not.
#
# Usage: scripts/kernel.sh TARGET    TARGET: the make target, for the message
set -euo pipefail

if [ "$(id -u)" != 0 ]; then
	echo "make $1 loads eBPF programs and creates network namespaces, which needs root. Run: sudo make $1" >&2
	exit 1
fi
if [ "$(stat -f -c %T /sys/fs/bpf 2>/dev/null)" != bpf_fs ]; then
	echo "setup: mounting bpffs at /sys/fs/bpf"
	mount -t bpf bpf /sys/fs/bpf
fi
