#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A root directory as the pod of deploy/kubernetes sees it: user 0 with four capabilities, its file system and /proc/sys
# read-only, a network namespace in place of the node's, with a pair in it. Attaches, looks, detaches.
#
# Usage: pod.sh ROOT
set -euo pipefail
if [ "${2:-}" != inside ]; then
	exec unshare --mount --net --ipc --propagation private "$0" "$1" inside
fi
root=$(realpath "$1")

# A pair: two veth ends with one MAC. Nothing of it outlives this network namespace.
ip link add eth0 address 02:00:00:00:00:01 type veth peer name far0
ip link add vf0 address 02:00:00:00:00:01 type veth peer name far1
for nic in lo eth0 vf0 far0 far1; do ip link set $nic up; done

mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t bpf -o mode=0700 bpf "$root/sys/fs/bpf"
for dir in dev run tmp; do mount -t tmpfs $dir "$root/$dir"; done
for node in null zero full random urandom; do
	touch "$root/dev/$node" && mount --bind "/dev/$node" "$root/dev/$node"
done
mount -o remount,bind,ro "$root"

in_pod() {
	chroot "$root" setpriv --bounding-set=-all,+bpf,+net_admin,+perfmon,+net_raw --inh-caps=-all --no-new-privs "$@"
}
# CAP_NET_ADMIN 12, CAP_NET_RAW 13, CAP_PERFMON 38, CAP_BPF 39: these are all that it has.
in_pod grep -E '^Cap(Prm|Eff|Bnd):\s000000c000003000$' /proc/self/status | wc -l | grep -qx 3
in_pod sh -c '! touch /proc/sys/net/ipv4/ip_forward && ! touch /etc/file' 2>/dev/null

in_pod netvsc-bpf attach eth0 --any-bus
in_pod netvsc-bpf status --json >"$root/tmp/status.json"
cat "$root/tmp/status.json"
python3 - "$root/tmp/status.json" <<'PY'
import json, sys
(pair,) = json.load(open(sys.argv[1]))
assert (pair["interface"], pair["path"], pair["vf"]["interface"]) == ("eth0", "vf", "vf0"), pair
PY
in_pod netvsc-bpf detach eth0
[ -z "$(ls "$root/sys/fs/bpf/netvsc-bpf" 2>/dev/null)" ] || { ls -R "$root/sys/fs/bpf/netvsc-bpf" && exit 1; }
