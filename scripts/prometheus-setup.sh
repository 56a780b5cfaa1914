#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Provides Prometheus and promtool for the tests of metrics, rules and dashboard. Debian's package is unpacked into a cache
# outside this checkout, not installed: that would start a service on this machine.
#
# Usage: scripts/prometheus-setup.sh    remove the cache's directory `prometheus` to fetch a newer one
set -euo pipefail

CACHE=${NETVSC_BPF_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/netvsc-bpf}
PLACE=$CACHE/prometheus

say() { printf 'setup: %s\n' "$*"; }
die() {
	printf 'setup: %s\n' "$@" >&2
	exit 1
}

[ ! -x "$PLACE/usr/bin/promtool" ] || exit 0
if ! { command -v apt-get && command -v dpkg-deb; } >/dev/null; then
	say "no apt-get, so no Prometheus: the tests that need it are skipped"
	exit 0
fi

say "fetching prometheus"
mkdir -p "$CACHE"
work=$(mktemp -d "$CACHE/.prometheus.XXXXXX")
trap 'rm -rf "$work"' EXIT
download() { (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download prometheus) >"$work/log" 2>&1; }
download || {
	# The package lists may be absent or out of date.
	if [ "$(id -u)" = 0 ]; then
		apt-get -qq -o DPkg::Lock::Timeout=300 update || die "apt-get update failed: see above"
	fi
	download || die "$(cat "$work/log")" "apt-get could not download prometheus"
}
dpkg-deb -x "$work"/*.deb "$work/unpacked"
"$work/unpacked/usr/bin/promtool" --version >/dev/null 2>&1 || die "the unpacked prometheus does not run"
rm -rf "$PLACE"
mv -T "$work/unpacked" "$PLACE" 2>/dev/null || [ -x "$PLACE/usr/bin/promtool" ] # another process was faster
