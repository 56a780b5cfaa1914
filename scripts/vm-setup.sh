#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Provides what `make vm-test` needs in addition to scripts/setup.sh: QEMU with an SR-IOV NIC (igb), and Debian's kernels,
# their headers and udev, unpacked into a cache outside this checkout. No kernel is installed on this machine: initramfs,
# boot loader and /boot do not change.
#
# Usage: scripts/vm-setup.sh    prints the cache's path last; remove that directory to fetch newer kernels
set -euo pipefail

CACHE=${NETVSC_BPF_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/netvsc-bpf}
# The guest reads this directory, but hides some directories with the state of a running system.
case $CACHE in /tmp/* | /var/cache/* | /run/* | /dev/* | /proc/* | /sys/*)
	echo "setup: guests cannot read $CACHE; choose another NETVSC_BPF_CACHE" >&2
	exit 1
	;;
esac

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
	say "$@"
	exit 1
}

# A separate apt configuration: with backports, and with lists of its own, so that the system's lists do not change. It
# uses the system's package database.
apt_options=(
	-qq -o APT::Sandbox::User=root -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold
	-o Dir::Etc::sourcelist="$CACHE/apt/bookworm.list" -o Dir::Etc::sourceparts=/dev/null
	-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
	-o Dir::State::lists="$CACHE/apt/lists" -o Dir::Cache="$CACHE/apt"
)
apt_ready=no

debian_sources() { # release and address
	apt-get indextargets --format '$(ORIGIN) $(RELEASE) $(REPO_URI)' 'Created-By: Packages' 'Component: main' |
		awk '$1 == "Debian" { print $2, $3 }'
}

ready_apt() {
	local main security
	[ $apt_ready = no ] || return 0
	command -v apt-get >/dev/null || die "Debian's kernels are fetched with apt-get, which this system lacks"
	# This machine's Debian mirror has backports too. The index of a source shows its origin.
	debian_sources | grep -q . || apt-get -qq -o DPkg::Lock::Timeout=300 update
	main=$(debian_sources | awk '$1 !~ /-security/ { print $2; exit }')
	security=$(debian_sources | awk '$1 ~ /-security/ { print $2; exit }')
	[ -n "$main" ] || die "Debian's kernels are needed, but apt-get has no Debian source configured"

	mkdir -p "$CACHE/apt/lists/partial" "$CACHE/apt/archives/partial"
	chmod 700 "$CACHE/apt"
	{
		local key=/usr/share/keyrings/debian-archive-keyring.gpg
		echo "deb [signed-by=$key] $main bookworm main"
		echo "deb [signed-by=$key] $main bookworm-backports main"
		[ -z "$security" ] || echo "deb [signed-by=$key] $security bookworm-security main"
	} >"$CACHE/apt/bookworm.list"
	apt-get "${apt_options[@]}" update || die "apt-get update failed: see above"
	apt_ready=yes
}

# kernel VERSION [APT_OPTION...]: Debian's kernel package of that version, unpacked, its modules indexed.
kernel() {
	local version=$1 package work
	shift
	[ ! -e "$CACHE/kernels/$version/boot" ] || return 0
	ready_apt
	package=$(apt-cache "${apt_options[@]}" "$@" depends linux-image-amd64 | awk '/Depends: linux-image-/ { print $2 }')
	case $package in "linux-image-$version."*) ;; *) die "Debian has '$package', not a kernel $version" ;; esac
	say "fetching $package"
	work=$CACHE/kernels/.$version.$$
	rm -rf "$work"
	mkdir -p "$work"
	(cd "$work" && apt-get "${apt_options[@]}" download "$package") || die "apt-get could not download $package"
	dpkg-deb -x "$work"/*.deb "$work"
	rm -r "$work"/*.deb "${work:?}/usr/share"
	depmod -b "$work" "${package#linux-image-}"
	mv -T "$work" "$CACHE/kernels/$version"
}

# headers VERSION [APT_OPTION...]: the headers for building modules for the unpacked kernel of that version.
headers() {
	local version=$1 image release common kbuild work
	shift
	[ ! -e "$CACHE/headers/$version/usr/src" ] || return 0
	ready_apt
	image=$(echo "$CACHE/kernels/$version"/boot/vmlinuz-*)
	release=${image##*/vmlinuz-}
	common=${release%-amd64}-common
	kbuild=$(apt-cache "${apt_options[@]}" "$@" depends "linux-headers-$release" | awk '/Depends: linux-kbuild-/ { print $2; exit }')
	[ -n "$kbuild" ] || die "Debian has no headers of Linux $release any more: remove $CACHE/kernels/$version for a newer kernel"
	say "fetching linux-headers-$release"
	work=$CACHE/headers/.$version.$$
	rm -rf "$work"
	mkdir -p "$work"
	(cd "$work" && apt-get "${apt_options[@]}" "$@" download "linux-headers-$release" "linux-headers-$common" "$kbuild") ||
		die "apt-get could not download the headers of Linux $release"
	for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work"; done
	rm -r "$work"/*.deb "${work:?}/usr/share"
	# They expect to be in /usr/src, where they are not installed.
	sed -i "s#/usr/src/#$CACHE/headers/$version/usr/src/#" "$work/usr/src/linux-headers-$release/Makefile"
	rm -rf "$CACHE/headers/$version"
	mv -T "$work" "$CACHE/headers/$version"
}

qemu() {
	local suite
	if qemu-system-x86_64 -device help 2>/dev/null | grep -q '"igb"'; then
		return
	fi
	ready_apt
	say "installing QEMU"
	suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	if [ "$suite" = bookworm ]; then # Its own QEMU, 7.2, has no igb.
		set -- "${apt_options[@]}" -t bookworm-backports
	else
		set -- -qq
	fi
	DEBIAN_FRONTEND=noninteractive apt-get "$@" -y --no-install-recommends install qemu-system-x86 \
		</dev/null >"$CACHE/apt/qemu.log" 2>&1 || {
		cat "$CACHE/apt/qemu.log" >&2
		die "apt-get could not install qemu-system-x86"
	}
}

# udev is not installed either: virtme-ng would start it in every guest, and it would rename interfaces of benchmarks.
udev() {
	local work=$CACHE/.udev.$$
	[ ! -e "$CACHE/udev/bin/udevadm" ] || return 0
	ready_apt
	say "fetching udev"
	mkdir -p "$work"
	(cd "$work" && apt-get "${apt_options[@]}" download udev) || die "apt-get could not download udev"
	dpkg-deb -x "$work"/*.deb "$work"
	rm -r "$work"/*.deb
	rm -rf "$CACHE/udev"
	mv -T "$work" "$CACHE/udev"
}

mkdir -p "$CACHE"
kernel 6.1
headers 6.1
kernel 6.12 -t bookworm-backports
headers 6.12 -t bookworm-backports
qemu
udev
rm -rf "$CACHE/apt/archives"
echo "$CACHE"
