#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Provides what `make fleet-test` needs, in the cache outside this checkout; on this machine only debootstrap is installed:
#
#   fleet/base      Debian 12 as small as debootstrap makes it, like the base of a container image
#   fleet/vm        the same with systemd, udev, Python and cloud-init, like the image of a VM
#   fleet/ansible   Ansible's connection plugin for chroots, from Debian's package `ansible`, which is not installed
#
# Usage: scripts/fleet-setup.sh    remove the cache's directory `fleet` to fetch newer ones
set -euo pipefail

CACHE=${NETVSC_BPF_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/netvsc-bpf}
PLACE=$CACHE/fleet
VM_PACKAGES=(cloud-init python3 python3-apt systemd systemd-sysv udev)

say() { printf 'fleet: %s\n' "$*"; }
die() {
	printf 'fleet: %s\n' "$@" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || die "it takes root: run make with sudo"
command -v apt-get >/dev/null || die "it takes a Debian or Ubuntu"
mkdir -p "$PLACE"
work=$(mktemp -d "$PLACE/.new.XXXXXX")
trap 'rm -rf "$work"' EXIT

base() {
	say "making $PLACE/base"
	"$(dirname "$0")/debian-root.sh" bookworm "$work/base" ca-certificates
	# How this machine reaches package archives.
	local file
	for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
		[ ! -e $file ] || cp -L $file "$work/base$file"
	done
	mv -T "$work/base" "$PLACE/base"
}

vm() {
	say "making $PLACE/vm"
	cp -a "$PLACE/base" "$work/vm"
	# No service may be started from within.
	printf '#!/bin/sh\nexit 101\n' >"$work/vm/usr/sbin/policy-rc.d"
	chmod 0755 "$work/vm/usr/sbin/policy-rc.d"
	"$(dirname "$0")/chroot.sh" "$work/vm" sh -euc '
		export DEBIAN_FRONTEND=noninteractive
		apt-get -qq update && apt-get -qq -y --no-install-recommends install "$@"
	' sh "${VM_PACKAGES[@]}" </dev/null >"$work/log" 2>&1 || die "$(tail -n 5 "$work/log")" "apt-get failed"
	mv -T "$work/vm" "$PLACE/vm"
}

ansible() {
	local part=ansible_collections/community/general
	say "fetching Ansible's chroot plugin"
	(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download ansible) >"$work/log" 2>&1 ||
		{ apt-get -qq -o DPkg::Lock::Timeout=300 update &&
			(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download ansible) >"$work/log" 2>&1; } ||
		die "$(cat "$work/log")" "apt-get could not download ansible"
	mkdir "$work/ansible"
	dpkg-deb --fsys-tarfile "$work"/ansible_*.deb | tar x -C "$work/ansible" --strip-components 5 \
		"./usr/lib/python3/dist-packages/$part/MANIFEST.json" \
		"./usr/lib/python3/dist-packages/$part/meta/runtime.yml" \
		"./usr/lib/python3/dist-packages/$part/plugins/connection/chroot.py"
	mv -T "$work/ansible" "$PLACE/ansible"
}

[ -e "$PLACE/base/usr" ] || base
[ -e "$PLACE/vm/usr" ] || vm
[ -e "$PLACE/ansible/ansible_collections" ] || ansible
