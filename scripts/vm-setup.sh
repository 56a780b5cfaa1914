#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Provides what `make vm-test` needs in addition to scripts/setup.sh: QEMU with an SR-IOV NIC (igb), and Debian's kernels,
# their headers and udev, unpacked into a cache outside this checkout. No kernel is installed on this machine: initramfs,
# boot loader and /boot do not change. The kernel `newest` is what backports of Debian's stable release offer.
#
# Usage: scripts/vm-setup.sh    prints the cache's path last; remove that directory to fetch newer kernels
set -euo pipefail

# shellcheck source=scripts/vm-packages.sh
. "$(dirname "$0")/vm-packages.sh"

# Lists of another release, which must not offer packages to this system. Without a kernel in backports, as right after a
# release, its own is the newest.
newest=(
	-o Dir::Etc::sourcelist="$CACHE/apt/stable.list" -o Dir::State::lists="$CACHE/apt/lists-stable" -t stable-backports
)

# kernel NAME VERSION [APT_OPTION...]: Debian's kernel package, unpacked, its modules indexed. VERSION: any, if empty.
kernel() {
	local name=$1 version=$2 package release parts work=$CACHE/kernels/.$1.$$
	shift 2
	[ ! -e "$CACHE/kernels/$name/boot" ] || return 0
	ready_apt "$@"
	package=$(depends linux-image-amd64 linux-image- "$@")
	case $package in "linux-image-${version:+$version.}"*) ;; *) die "Debian has '$package', not a kernel $version" ;; esac
	release=${package#linux-image-}
	# From 6.19 on that package is empty, and depends on those with the kernel.
	mapfile -t parts < <(depends "$package" "linux-(binary|modules|base)-" "$@")
	rm -rf "$work"
	unpacked "$work" "$package" "${parts[@]}" -- "$@"
	if [ ! -e "$work/boot" ]; then
		mkdir "$work/boot" "$work/lib"
		mv "$work/usr/lib/modules" "$work/lib/modules"
		mv "$work/lib/modules/$release/vmlinuz" "$work/boot/vmlinuz-$release"
	fi
	depmod -b "$work" "$release"
	rm -rf "$CACHE/kernels/$name"
	mv -T "$work" "$CACHE/kernels/$name"
}

# headers NAME [APT_OPTION...]: the headers for building modules for the unpacked kernel of that name.
headers() {
	local name=$1 image release common kbuild final=$CACHE/headers/$1 work=$CACHE/headers/.$1.$$
	shift
	[ ! -e "$final/usr/src" ] || return 0
	ready_apt "$@"
	image=$(echo "$CACHE/kernels/$name"/boot/vmlinuz-*)
	release=${image##*/vmlinuz-}
	common=${release%-amd64}-common
	kbuild=$(depends "linux-headers-$release" linux-kbuild- "$@")
	[ -n "$kbuild" ] || die "Debian has no headers of Linux $release any more: remove $CACHE/kernels/$name for a newer kernel"
	rm -rf "$work"
	unpacked "$work" "linux-headers-$release" "linux-headers-$common" "$kbuild" -- "$@"
	# They expect to be in /usr/src, where they are not installed.
	sed -i "s#/usr/src/#$final/usr/src/#" "$work/usr/src/linux-headers-$release/Makefile"
	runnable "$work" "$final" "$@"
	rm -rf "$final"
	mv -T "$work" "$final"
}

# runnable FOLDER FINAL [APT_OPTION...]: programs of the headers that need a newer libc than this system's get that of
# their own release. FINAL is where the folder will be.
runnable() {
	local folder=$1 final=$2 program programs libraries=libraries/usr/lib/x86_64-linux-gnu
	shift 2
	mapfile -t programs < <(find "$folder/usr/lib" -type f -perm -u=x)
	for program in "${programs[@]}"; do
		ldd "$program" 2>&1 | grep -q "not found" || continue
		[ -e "$folder/libraries" ] || unpacked "$folder/libraries" libc6 libelf1t64 libzstd1 zlib1g -- "$@"
		mv "$program" "$program.elf"
		cat >"$program" <<-END
			#!/bin/sh
			exec $final/$libraries/ld-linux-x86-64.so.2 --library-path $final/$libraries $final/${program#"$folder"/}.elf "\$@"
		END
		chmod +x "$program"
	done
}

# udev is not installed either: virtme-ng would start it in every guest, and it would rename interfaces of benchmarks.
udev() {
	local work=$CACHE/.udev.$$
	[ ! -e "$CACHE/udev/bin/udevadm" ] || return 0
	ready_apt
	unpacked "$work" udev
	rm -rf "$CACHE/udev"
	mv -T "$work" "$CACHE/udev"
}

mkdir -p "$CACHE"
kernel 6.1 6.1
headers 6.1
kernel 6.12 6.12 "${backports[@]}"
headers 6.12 "${backports[@]}"
kernel newest "" "${newest[@]}"
headers newest "${newest[@]}"
qemu qemu-system-x86 qemu-system-x86_64 igb
udev
rm -rf "$CACHE/apt/archives"
echo "$CACHE"
