#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Makes this checkout runnable: first system packages (by apt-get, if available), then a virtual environment in .venv with
# this project installed as editable. It takes a fraction of a second if everything is installed, and repairs what is not.
#
# Usage: scripts/setup.sh [lint|test|vm]    also what `make lint`, `make test` or `make vm-test` needs of the system
set -euo pipefail
cd "$(dirname "$0")/.."

# bcc works with the distribution's own interpreter only: another python3 on PATH (pyenv, conda) cannot import it.
PYTHON=/usr/bin/python3
STAMP=.venv/.netvsc-bpf-setup
WANT=${1:-}

say() { printf 'setup: %s\n' "$*"; }
die() {
	printf 'setup: %s\n' "$@" >&2
	exit 1
}

# Prints the name of a Debian package unless the test after it succeeds. The test checks what the package is for, not
# whether dpkg lists it, so it works on every distribution and after a removal.
need() {
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || printf '%s\n' "$package"
}

has_bcc() { # PyPI's "bcc" is another program; the right one has a table module.
	$PYTHON - <<'PY'
import importlib.util, pathlib, sys
spec = importlib.util.find_spec("bcc")
sys.exit(not (spec and spec.origin and pathlib.Path(spec.origin).with_name("table.py").exists()))
PY
}

missing() {
	{
		need ca-certificates test -s /etc/ssl/certs/ca-certificates.crt
		need ethtool command -v ethtool
		need iproute2 command -v ip
		need iproute2 command -v tc
		need iputils-ping command -v ping
		need kmod command -v modprobe
		need mount command -v mount
		need nftables command -v nft
		need openssl command -v openssl
		need procps command -v sysctl
		need python3 $PYTHON -c ''
		need python3-bpfcc has_bcc
		need python3-venv $PYTHON -c 'import ensurepip, venv'
		need tcpdump command -v tcpdump
		if [ "$WANT" = lint ]; then
			need shellcheck command -v shellcheck
		fi
		if [ "$WANT" = test ]; then # gcc for unit tests of the programs; shells and man for completion and the manual
			need fish command -v fish
			need gcc command -v gcc
			need libc6-dev test -e /usr/include/ucontext.h
			need man-db command -v man
			need mandoc command -v mandoc
			need zsh command -v zsh
		fi
		if [ "$WANT" = vm ]; then
			need busybox-static sh -c 'command -v busybox || command -v busybox-static'
			need gcc command -v gcc # for tests/vm/hyperv/module
			need file command -v file # virtme-ng uses it to read a kernel's version
			need libteam-utils command -v teamd # compared by bench-path
			need zstd command -v zstd
		fi
	} | sort -u | tr '\n' ' '
}

system_packages() {
	local packages
	packages=$(missing)
	[ -n "${packages// /}" ] || return 0
	command -v apt-get >/dev/null || die "missing packages: $packages(Debian's names)." \
		"There is no apt-get: install them with this system's package manager, then run make again."
	[ "$(id -u)" = 0 ] || die "missing packages: $packages" \
		"Installing them needs root: run make with sudo once, or: sudo apt-get install $packages"

	say "installing $packages"
	# The package lists may be fresh (then this is fast), absent or out of date (then they are fetched).
	# shellcheck disable=SC2086  # a list of words
	apt_install $packages || {
		say "fetching the package lists"
		apt-get -qq -o DPkg::Lock::Timeout=300 update || die "apt-get update failed: see above"
		apt_install $packages || {
			cat "$log" >&2
			die "apt-get could not install: $packages"
		}
	}
	packages=$(missing)
	[ -z "${packages// /}" ] || die "installed, but not usable: $packages"
}

apt_install() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold \
		install "$@" </dev/null >"$log" 2>&1
}

# A hash of what the environment depends on. It is rebuilt if the checkout moved, or for another interpreter or dependencies.
fingerprint() { { pwd -P && $PYTHON -VV && cat pyproject.toml scripts/setup.sh; } | sha256sum; }

environment() {
	local tool fresh=yes
	[ "$(cat $STAMP 2>/dev/null)" = "$(fingerprint)" ] || fresh=no
	for tool in netvsc-bpf clang-format mypy pytest ruff vng; do
		[ -x .venv/bin/$tool ] || fresh=no
	done
	.venv/bin/python -c 'import ensurepip' 2>/dev/null || fresh=no
	[ $fresh = no ] || return 0

	say "making .venv"
	# --system-site-packages for bcc, --ignore-installed so that nothing else is taken from the system.
	$PYTHON -m venv --clear --system-site-packages .venv
	.venv/bin/python -m pip -qq --disable-pip-version-check --no-input install --ignore-installed -e '.[dev]' ||
		die "pip could not install this project's dependencies: see above"
	fingerprint >$STAMP
	# Under sudo it belongs to the checkout's owner, so that `make lint` and `make clean` work without sudo.
	[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" .venv ./*.egg-info
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
system_packages
environment
