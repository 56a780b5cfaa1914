#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tries what is for fleets, without a fleet: the Ansible role on a root directory with Debian 12, twice; cloud-init's own
# check of the user data; the container image's steps in another root directory; the manifests against Kubernetes' schema.
# Nothing is installed or started on this machine (but debootstrap).
#
# Usage: scripts/fleet-test.sh [ansible|ansible-deb|cloud-init|container|kubernetes]...    by default all of them
set -euo pipefail
cd "$(dirname "$0")/.."

CACHE=${NETVSC_BPF_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/netvsc-bpf}
FLEET=$CACHE/fleet

if [ "${NETVSC_BPF_FLEET_INSIDE:-}" != yes ]; then
	scripts/setup.sh
	scripts/fleet-setup.sh
	scripts/tools.sh fleet >/dev/null
	NETVSC_BPF_FLEET_INSIDE=yes exec unshare --mount --propagation private "$0" "$@"
fi

# Everything that is written goes to a tmpfs in a mount namespace of its own.
work=$(mktemp -d)
trap 'umount --lazy "$work"; rmdir "$work"' EXIT
mount -t tmpfs -o mode=0755 fleet "$work"
tools=$(scripts/tools.sh fleet)
failed=0

say() { printf 'fleet: %s\n' "$*"; }
check() {
	local what=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		say "$what"
	else
		say "NOT $what"
		tail -n 40 "$work/log"
		failed=$((failed + 1))
	fi
}
refused() { ! "$@"; }

overlay() { # Prints a root directory over one of the cache.
	mkdir -p "$work/$1"/{upper,work,root}
	mount -t overlay -o "lowerdir=$FLEET/$2,upperdir=$work/$1/upper,workdir=$work/$1/work" overlay "$work/$1/root"
	echo "$work/$1/root"
}

wheel() {
	mkdir "$work/source"
	cp -r pyproject.toml LICENSE README.md netvsc_bpf cli ebpf "$work/source"
	.venv/bin/python -m pip -qq --disable-pip-version-check wheel --no-deps -w "$work" "$work/source"
	echo "$work"/netvsc_bpf-*.whl
}

play() { # What it prints stays in $work/play.
	local status=0
	PATH=$tools:$PATH ANSIBLE_COLLECTIONS_PATH=$FLEET/ansible ANSIBLE_NOCOLOR=1 ANSIBLE_HOME=$work/ansible \
		ANSIBLE_LOCALHOST_WARNING=false SYSTEMD_OFFLINE=1 \
		ansible-playbook -i tests/fleet/inventory.yml deploy/ansible/site.yml --diff "$@" >"$work/play" 2>&1 || status=$?
	cat "$work/play"
	return $status
}
changed() { # The play succeeds and changes so many things.
	local wanted=$1
	shift
	play "$@" && grep -qE "^image +: ok=[0-9]+ +changed=$wanted +unreachable=0 +failed=0 " "$work/play"
}
in_root() { SYSTEMD_OFFLINE=1 scripts/chroot.sh "$ROOT" "$@"; }

try_ansible() {
	local file before config
	check "ansible-lint has no complaint" env PATH="$tools:$PATH" XDG_CACHE_HOME="$work/cache" \
		ansible-lint --offline --strict deploy/ansible
	ROOT=$(overlay vm vm)
	CHROOT=$PWD/scripts/chroot.sh
	export ROOT CHROOT
	file=$(wheel)
	check "the role installs the wheel" changed '[1-9][0-9]*' -e "netvsc_bpf_file=$file"
	check "a second run changes nothing" changed 0 -e "netvsc_bpf_file=$file"
	check "the command runs" in_root netvsc-bpf --version
	check "the service is enabled" in_root systemctl is-enabled netvsc-bpf.service
	check "systemd has no complaint about the unit" in_root systemd-analyze verify --man=no netvsc-bpf.service
	check "its user exists" in_root id netvsc-bpf
	config=$(in_root sed -nE 's/^ExecStart=.* --config ([^ ]+).*/\1/p' /etc/systemd/system/netvsc-bpf.service)
	check "the configuration is what was given" .venv/bin/python -m tests.fleet.same_config \
		tests/fleet/inventory.yml "$ROOT$config"
	before=$(sha256sum "$ROOT$config")
	check "a mistake in the configuration is refused" refused play -e "netvsc_bpf_file=$file" \
		-e '{"netvsc_bpf_config": {"manager": {"interval": 20}}}'
	check "and named" grep -q "has no key interval" "$work/play"
	check "and leaves the file alone" test "$before" = "$(sha256sum "$ROOT$config")"
	check "another configuration changes one thing" changed 1 -e "netvsc_bpf_file=$file" \
		-e '{"netvsc_bpf_config": {"manager": {"interval_s": 25}}}'
	check "another file than a package is refused" refused play -e netvsc_bpf_file=README.md
}

# The same with the Debian package, where the Makefile has the target `deb`.
try_ansible-deb() {
	local file
	make -n deb >/dev/null 2>&1 || { say "no Debian package: the Makefile has no target deb" && return; }
	check "the Debian package is built" make deb
	file=$(find build -name 'netvsc-bpf_*.deb' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
	ROOT=$(overlay deb vm)
	CHROOT=$PWD/scripts/chroot.sh
	export ROOT CHROOT
	check "the role installs the Debian package" changed '[1-9][0-9]*' -e "netvsc_bpf_file=$PWD/$file"
	check "a second run changes nothing" changed 0 -e "netvsc_bpf_file=$PWD/$file"
	check "the command runs" in_root netvsc-bpf --version
	check "the service is enabled" in_root systemctl is-enabled netvsc-bpf.service
	check "the configuration is what was given" .venv/bin/python -m tests.fleet.same_config \
		tests/fleet/inventory.yml "$ROOT$(in_root sed -nE 's/^ExecStart=.* --config ([^ ]+).*/\1/p' \
			/usr/lib/systemd/system/netvsc-bpf.service)"
}

try_cloud-init() {
	local file root
	root=$(overlay cloud vm)
	mkdir "$root/data"
	for file in examples/cloud-init*.yaml; do
		cp "$file" "$root/data"
		check "cloud-init accepts $file" scripts/chroot.sh "$root" \
			cloud-init schema --config-file "/data/${file##*/}"
	done
	sed 's/^packages:/packages: 7\nothers:/' examples/cloud-init.yaml >"$root/data/wrong.yaml"
	check "cloud-init refuses a mistake" refused scripts/chroot.sh "$root" \
		cloud-init schema --config-file /data/wrong.yaml
}

try_kubernetes() {
	local version
	for version in 1.30 1.37; do
		check "Kubernetes $version accepts the manifests" "$tools/kubernetes-validate" --strict -k "$version" \
			deploy/kubernetes/netvsc-bpf.yaml
	done
	sed 's/hostNetwork/hostNetwrk/' deploy/kubernetes/netvsc-bpf.yaml >"$work/wrong.yaml"
	check "Kubernetes refuses a mistake" refused "$tools/kubernetes-validate" --strict "$work/wrong.yaml"
}

try_container() {
	check "hadolint has no complaint" "$tools/hadolint" deploy/container/Containerfile
	mkdir "$work/stages"
	check "the steps of the Containerfile run" .venv/bin/python -m tests.fleet.containerfile \
		deploy/container/Containerfile . "$FLEET/base" "$work/stages"
	check "the image's command runs" scripts/chroot.sh "$work/stages/image" netvsc-bpf --version
	check "a pod's capabilities are enough to attach, with /proc/sys and the image read-only" \
		tests/fleet/pod.sh "$work/stages/image"
}

[ $# -gt 0 ] || set -- ansible ansible-deb cloud-init container kubernetes
for part in "$@"; do
	"try_$part"
done
[ $failed = 0 ] || { say "$failed failed" && exit 1; }
say "everything holds"
