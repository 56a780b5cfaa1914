#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds the Debian package of a source tree with the distribution's tools, in a copy: dpkg-buildpackage writes beside the
# tree. The date of all files is that of debian/changelog, so the same sources give the same bytes.
#
# Usage: scripts/deb.sh [TREE [OUTPUT]]    this checkout and build/deb by default
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
tree=$(cd "${1:-$here}" && pwd)
output=${2:-$here/build/deb}

die() {
	printf 'deb: %s\n' "$@" >&2
	exit 1
}

tools() {
	local missing=()
	command -v dpkg-buildpackage >/dev/null || missing+=(dpkg-dev)
	command -v dh >/dev/null || missing+=(debhelper)
	command -v dh_python3 >/dev/null || missing+=(dh-python)
	command -v lintian >/dev/null || missing+=(lintian)
	[ ${#missing[@]} != 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "missing packages: ${missing[*]}; to install them: sudo apt-get install ${missing[*]}"
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}" >/dev/null ||
		die "apt-get could not install: ${missing[*]}"
}

copy_sources() {
	cd "$tree"
	if [ -e .git ]; then
		git ls-files -z --cached --others --exclude-standard | xargs -0 tar c --ignore-failed-read 2>/dev/null
	else
		tar c .
	fi | tar x -C "$1"
}

tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/netvsc-bpf"
copy_sources "$work/netvsc-bpf"
cd "$work/netvsc-bpf"
umask 022
dpkg-buildpackage --unsigned-source --unsigned-changes --build=binary --no-check-builddeps >"$work/log" 2>&1 ||
	die "dpkg-buildpackage failed:" "$(tail -n 20 "$work/log")"
# Any tag is a failure; overrides are explained in debian/netvsc-bpf.lintian-overrides. Other trees are made for tests.
if [ "$tree" = "$here" ]; then
	lintian --allow-root --pedantic --display-info --fail-on error,warning,info,pedantic "$work"/*.changes \
		>"$work/lintian" || die "lintian:" "$(cat "$work/lintian")"
fi
mkdir -p "$output"
cp "$work"/*.deb "$output/"
for deb in "$work"/*.deb; do
	echo "deb: $output/${deb##*/}"
done
