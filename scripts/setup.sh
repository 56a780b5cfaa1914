#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Makes this checkout runnable: first what the system has to provide (through apt-get, where that exists), then a
# virtual environment in .venv with this project in it, editable. It costs a fraction of a second when everything is
# there, and repairs what is not.
#
# Usage: scripts/setup.sh [lint|test|vm]    also what `make lint`, `make test` or `make vm-test` needs of the system
set -euo pipefail
cd "$(dirname "$0")/.."

# bcc is bound to the distribution's own interpreter: a python3 found on PATH (pyenv, conda) could never import it.
PYTHON=/usr/bin/python3
STAMP=.venv/.netvsc-bpf-setup
WANT=${1:-}

say() { printf 'setup: %s\n' "$*"; }
die() {
	printf 'setup: %s\n' "$@" >&2
	exit 1
}

# Prints Debian's name of a package unless the test after it succeeds. What a package is for is tested, not whether
# dpkg lists it, so the answer holds on every distribution and after a removal.
need() {
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || printf '%s\n' "$package"
}

has_bcc() { # PyPI's "bcc" is another program; the one meant here brings its table module.
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
		if [ "$WANT" = test ]; then # gcc for the programs' own logic; shells and man for what they are shown
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
			need file command -v file # how virtme-ng tells a kernel's version
			need libteam-utils command -v teamd # a peer of bench-path
			need zstd command -v zstd
		fi
	} | sort -u | tr '\n' ' '
}

system_packages() {
	local packages
	packages=$(missing)
	[ -n "${packages// /}" ] || return 0
	command -v apt-get >/dev/null || die "the system lacks: $packages(Debian's names)." \
		"There is no apt-get here: install them with this system's own package manager, then run make again."
	[ "$(id -u)" = 0 ] || die "the system lacks: $packages" \
		"Installing them takes root: run make with sudo once, or: sudo apt-get install $packages"

	say "installing $packages"
	# The package lists may be fresh (then this is quick), absent or out of date (then they are fetched).
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
	[ -z "${packages// /}" ] || die "installed, but still not usable: $packages"
}

apt_install() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold \
		install "$@" </dev/null >"$log" 2>&1
}

# What the environment was made from. A checkout that moved, another interpreter or other dependencies make it anew.
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
	# --system-site-packages for bcc, --ignore-installed so that nothing else is borrowed from the system.
	$PYTHON -m venv --clear --system-site-packages .venv
	.venv/bin/python -m pip -qq --disable-pip-version-check --no-input install --ignore-installed -e '.[dev]' ||
		die "pip could not install this project's dependencies: see above"
	fingerprint >$STAMP
	# Under sudo the checkout's owner keeps it: `make lint` and `make clean` then work without sudo.
	[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" .venv ./*.egg-info
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
system_packages
environment
