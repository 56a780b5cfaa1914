#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Provides what `make vm-test` needs in addition to scripts/setup.sh: QEMU with an SR-IOV NIC (igb), and Debian's kernels,
# their headers and udev, unpacked into a cache outside this checkout. No kernel is installed on this machine: initramfs,
# boot loader and /boot do not change. The kernel `newest` is what backports of Debian's stable release offer.
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
backports=(-t bookworm-backports)
# Lists of another release, which must not offer packages to this system. Without a kernel in backports, as right after a
# release, its own is the newest.
newest=(
	-o Dir::Etc::sourcelist="$CACHE/apt/stable.list" -o Dir::State::lists="$CACHE/apt/lists-stable" -t stable-backports
)
apt_ready=

debian_sources() { # release and address
	apt-get indextargets --format '$(ORIGIN) $(RELEASE) $(REPO_URI)' 'Created-By: Packages' 'Component: main' |
		awk '$1 == "Debian" { print $2, $3 }'
}

# ready_apt [APT_OPTION...]: the lists that these options use are fetched, once.
ready_apt() {
	local main security key=/usr/share/keyrings/debian-archive-keyring.gpg
	[[ $apt_ready != *"<$*>"* ]] || return 0
	command -v apt-get >/dev/null || die "Debian's kernels are fetched with apt-get, which this system lacks"
	# This machine's Debian mirror has backports too. The index of a source shows its origin.
	debian_sources | grep -q . || apt-get -qq -o DPkg::Lock::Timeout=300 update
	main=$(debian_sources | awk '$1 !~ /-security/ { print $2; exit }')
	security=$(debian_sources | awk '$1 ~ /-security/ { print $2; exit }')
	[ -n "$main" ] || die "Debian's kernels are needed, but apt-get has no Debian source configured"

	mkdir -p "$CACHE"/apt/{lists,lists-stable,archives}/partial
	chmod 700 "$CACHE/apt"
	printf "deb [signed-by=$key] $main %s main\n" bookworm bookworm-backports >"$CACHE/apt/bookworm.list"
	[ -z "$security" ] || echo "deb [signed-by=$key] $security bookworm-security main" >>"$CACHE/apt/bookworm.list"
	printf "deb [signed-by=$key] $main %s main\n" stable stable-backports >"$CACHE/apt/stable.list"
	apt-get "${apt_options[@]}" "$@" update || die "apt-get update failed: see above"
	apt_ready+="<$*>"
}

# depends PACKAGE PATTERN [APT_OPTION...]: the package's dependencies that match.
depends() {
	local package=$1 pattern=$2
	shift 2
	apt-cache "${apt_options[@]}" "$@" depends "$package" | awk -v pattern="^$pattern" '$1 == "Depends:" && $2 ~ pattern { print $2 }'
}

# unpacked FOLDER PACKAGE... [-- APT_OPTION...]: the packages, downloaded and unpacked there.
unpacked() {
	local folder=$1 packages=() package
	shift
	for package in "$@"; do
		shift
		[ "$package" != -- ] || break
		packages+=("$package")
	done
	say "fetching ${packages[*]}"
	mkdir -p "$folder"
	(cd "$folder" && apt-get "${apt_options[@]}" "$@" download "${packages[@]}") ||
		die "apt-get could not download ${packages[*]}"
	for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$folder"; done
	rm -r "$folder"/*.deb "${folder:?}/usr/share"
}

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

qemu() {
	local suite
	if qemu-system-x86_64 -device help 2>/dev/null | grep -q '"igb"'; then
		return
	fi
	ready_apt
	say "installing QEMU"
	suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	if [ "$suite" = bookworm ]; then # Its own QEMU, 7.2, has no igb.
		set -- "${apt_options[@]}" "${backports[@]}"
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
qemu
udev
rm -rf "$CACHE/apt/archives"
echo "$CACHE"
