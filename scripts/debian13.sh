#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian 13's userland (Python 3.13, bcc 0.31, libbpf 1.5) on this machine's kernel: the unit tests, and some kernel tests
# that attach. debootstrap creates a root directory for it in the cache, once; scripts/setup.sh does the rest in it, as on
# a real Debian 13. Only debootstrap is installed on this machine.
#
# Usage: scripts/debian13.sh [PYTEST-ARGUMENT...]
set -euo pipefail
cd "$(dirname "$0")/.."

CACHE=${NETVSC_BPF_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/netvsc-bpf}
ROOT=$CACHE/debian13
TESTS=(
	tests/unit tests/kernel/test_rungs.py tests/kernel/test_abi.py tests/kernel/lifecycle/test_detach.py
	tests/kernel/switching/test_leaving.py
)

make_root() {
	local new=$CACHE/.debian13.$$
	[ ! -e "$ROOT/usr" ] || return 0
	echo "debian13: making $ROOT"
	scripts/debian-root.sh trixie "$new" ca-certificates,python3,python3-bpfcc,python3-venv
	mv -T "$new" "$ROOT"
}

# Copies this machine's network configuration for reaching package archives.
copy_network_configuration() {
	local file
	for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
		[ ! -e $file ] || cp -L $file "$ROOT$file"
	done
}

copy_checkout() {
	mkdir -p "$ROOT/src"
	# Remove files that no longer exist here; .venv stays, it is Debian 13's own.
	find "$ROOT/src" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
	git ls-files -z --cached --others --exclude-standard | xargs -0 tar c --ignore-failed-read 2>/dev/null |
		tar x -C "$ROOT/src"
}

make_root
copy_network_configuration
copy_checkout
[ $# -gt 0 ] || set -- "${TESTS[@]}"
# pivot_root, not chroot: the tests' sandbox mounts over the root.
exec unshare --mount --propagation private bash -euc '
	root=$1 && shift
	mount --bind "$root" "$root"
	for dir in proc sys dev; do mount --rbind /$dir "$root/$dir"; done
	for dir in run tmp; do mount -t tmpfs $dir "$root/$dir"; done
	mkdir "$root/run/old" && cd "$root" && pivot_root . run/old && umount --lazy /run/old
	cd /src && scripts/setup.sh
	. /etc/os-release
	echo "debian13: $PRETTY_NAME, $(python3 -V), bcc $(dpkg-query -W -f "\${Version}" python3-bpfcc), Linux $(uname -r)"
	exec .venv/bin/python -m pytest -p no:cacheprovider --reruns 1 "$@"
' debian13 "$ROOT" "$@"
