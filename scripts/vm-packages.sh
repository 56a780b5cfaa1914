# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by scripts that fetch Debian's packages for virtual machines into the cache: apt-get with a configuration of its
# own, which has other releases than this system, and QEMU.

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
apt_ready=

debian_sources() { # release and address
	apt-get indextargets --format '$(ORIGIN) $(RELEASE) $(REPO_URI)' 'Created-By: Packages' 'Component: main' |
		awk '$1 == "Debian" { print $2, $3 }'
}

# ready_apt [APT_OPTION...]: the lists that these options use are fetched, once.
# shellcheck disable=SC2120  # its arguments come from the scripts that source this
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

# qemu PACKAGE PROGRAM DEVICE: QEMU for an architecture, new enough to have the device.
qemu() {
	local package=$1 program=$2 device=$3 suite
	if "$program" -device help 2>/dev/null | grep -q "\"$device\""; then
		return
	fi
	# shellcheck disable=SC2119
	ready_apt
	say "installing QEMU"
	suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	if [ "$suite" = bookworm ]; then # Its own QEMU, 7.2, has no igb.
		set -- "${apt_options[@]}" "${backports[@]}"
	else
		set -- -qq
	fi
	DEBIAN_FRONTEND=noninteractive apt-get "$@" -y --no-install-recommends install "$package" \
		</dev/null >"$CACHE/apt/qemu.log" 2>&1 || {
		cat "$CACHE/apt/qemu.log" >&2
		die "apt-get could not install $package"
	}
}
