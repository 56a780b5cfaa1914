#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Makes the root directory of a Debian release by debootstrap, from the mirror that this machine's apt uses, which has the
# other releases too. On this machine only debootstrap is installed.
#
# Usage: scripts/debian-root.sh RELEASE FOLDER PACKAGE,...    the folder must not exist, and does not after a failure
# DEBOOTSTRAP_OPTIONS: more words for debootstrap, such as --foreign, which leaves the packages to be unpacked
set -euo pipefail

RELEASE=$1 FOLDER=$2 PACKAGES=$3

die() {
	printf 'debian-root: %s\n' "$@" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || die "making a root takes root: run make with sudo"
command -v apt-get >/dev/null || die "it takes a Debian or Ubuntu"
command -v debootstrap >/dev/null ||
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install debootstrap >/dev/null ||
	die "debootstrap is needed, and apt-get could not install it"
mirror=$(apt-get indextargets --format '$(ORIGIN) $(RELEASE) $(REPO_URI)' 'Created-By: Packages' 'Component: main' |
	awk '$1 == "Debian" && $2 !~ /-security/ { print $3; exit }')
[ -n "$mirror" ] || die "apt-get has no Debian source configured"
mkdir -p "$(dirname "$FOLDER")"
log=$FOLDER.log
# shellcheck disable=SC2086  # a list of words
debootstrap --variant=minbase ${DEBOOTSTRAP_OPTIONS:-} --include="$PACKAGES" "$RELEASE" "$FOLDER" "$mirror" >"$log" 2>&1 || {
	tail -n 5 "$log" >&2
	rm -rf "$FOLDER"
	die "debootstrap failed: see $log"
}
rm "$log"
