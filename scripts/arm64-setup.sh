#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Provides what `make arm64-test` needs in addition to scripts/setup.sh: QEMU for arm64, a root directory of Debian 13 for
# arm64 in the cache, this project's dependencies for it, and its kernels with pages of 4 and 16 KiB. Nothing of arm64 runs
# on this machine: packages are unpacked, their scripts are not run, and no binary format is registered.
#
# Usage: scripts/arm64-setup.sh    prints the folder's path last; remove that folder to fetch newer packages
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/vm-packages.sh
. scripts/vm-packages.sh

PLACE=$CACHE/arm64
RELEASE=trixie
PYTHON=3.13 # that release's
PACKAGES=busybox-static,ethtool,gcc,iproute2,iputils-ping,kmod,libc6-dev,mount,nftables,openssl,procps,python3
PACKAGES+=,python3-bpfcc,tcpdump,linux-image-arm64,linux-image-arm64-16k
SITE=(bcrypt click hypothesis prometheus-client pyroute2 pytest pytest-rerunfailures pytest-timeout pyyaml rich)

root() {
	local package new=$PLACE/.root.$$
	[ ! -e "$PLACE/root/usr" ] || return 0
	say "making $PLACE/root"
	rm -rf "$new"
	DEBOOTSTRAP_OPTIONS="--foreign --arch=arm64" scripts/debian-root.sh $RELEASE "$new" "$PACKAGES"
	for package in "$new"/var/cache/apt/archives/*.deb; do dpkg-deb -x "$package" "$new"; done
	rm -rf "$new"/debootstrap "$new"/var/cache/apt/archives/*.deb "$new"/usr/share/{doc,locale,man}
	# What the packages' own scripts would have done, as far as it is needed.
	cp "$new/usr/share/base-passwd/passwd.master" "$new/etc/passwd"
	cp "$new/usr/share/base-passwd/group.master" "$new/etc/group"
	ln -sf mawk "$new/usr/bin/awk"
	say "fetching ${SITE[*]}"
	.venv/bin/python -m pip -qq --disable-pip-version-check --no-input install --target "$new/opt/site" \
		--platform manylinux2014_aarch64 --platform manylinux_2_28_aarch64 --only-binary=:all: \
		--python-version $PYTHON "${SITE[@]}"
	rm -rf "$PLACE/root"
	mv -T "$new" "$PLACE/root"
}

# kernels: each in a folder of the form that vm/kernels.py reads.
kernels() {
	local image release name
	for image in "$PLACE"/root/boot/vmlinuz-*; do
		release=${image##*/vmlinuz-}
		name=4k
		[[ $release != *-16k ]] || name=16k
		[ ! -e "$PLACE/kernels/$name/boot/vmlinuz-$release" ] || continue
		rm -rf "${PLACE:?}/kernels/$name"
		mkdir -p "$PLACE/kernels/$name/boot" "$PLACE/kernels/$name/lib"
		ln -s "../../../root/boot/${image##*/}" "$PLACE/kernels/$name/boot/"
		ln -s ../../../root/usr/lib/modules "$PLACE/kernels/$name/lib/modules"
		depmod -b "$PLACE/root" "$release"
	done
}

mkdir -p "$PLACE"
qemu qemu-system-arm qemu-system-aarch64 virtio-9p-pci
root
kernels
echo "$PLACE"
