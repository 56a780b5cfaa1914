#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a guest of tests/arm64/run.py does: the commands as a user gives them, and the tests that an architecture could break.
set -euo pipefail

for module in veth bridge 8021q macvlan dummy ifb tun sch_ingress cls_bpf act_mirred sch_fq_codel sch_netem; do
	modprobe $module || echo "guest: no module $module"
done

status=0
step() {
	local name=$1 began=$SECONDS ended=0
	shift
	"$@" 2>&1 | sed --unbuffered "s/^/$name: /" || ended=$?
	echo "$name: status $ended, $((SECONDS - began)) s"
	[ $ended = 0 ] || status=1
}

# shellcheck disable=SC2317  # step() runs it
tests() {
	local name=$1
	shift
	PYTHONUNBUFFERED=1 .venv/bin/python -m pytest -m "$MARKED" --verbose --durations=10 --timeout=600 -p no:cacheprovider \
		--reruns 1 --rerun-show-tracebacks --junitxml="$OUT/junit-$name.xml" "$@"
}

echo "guest: $(uname -rm), pages of $(getconf PAGE_SIZE) bytes, $(.venv/bin/python -V)"
netvsc_bpf=(.venv/bin/python -P -m netvsc_bpf.cli.main)
if [ -n "${COMMANDS:-}" ]; then
	step doctor "${netvsc_bpf[@]}" doctor
	step demo "${netvsc_bpf[@]}" demo --rate "$RATE"
fi
# shellcheck disable=SC2086  # a list of words
step kernel tests kernel $KERNEL_TESTS
# shellcheck disable=SC2086
[ -z "$UNIT_TESTS" ] || MARKED="" step unit tests unit $UNIT_TESTS
exit $status
