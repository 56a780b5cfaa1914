# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What a guest of tests/vm/run.py does (see vm/guest.sh): the tests marked `guest`, by two processes side by side. There is
# one true pair, so those in PAIR are for one of them; those in LABS make their own devices, in namespaces of their own.
set -euo pipefail

for module in veth bridge 8021q macvlan dummy ifb tun sch_ingress cls_bpf act_mirred sch_fq_codel sch_netem; do
	modprobe $module || echo "guest: no module $module"
done

NOTHING_SELECTED=5 # pytest's exit status

# An emulated processor is ten times slower than what the tests' own limit is meant for.
# No test of these uses hypothesis, whose plugin takes seconds to load there.
tests() {
	local name=$1
	shift
	[ $# -gt 0 ] || return $NOTHING_SELECTED
	PYTHONUNBUFFERED=1 .venv/bin/python -m pytest -m "$MARKED" --reruns 1 --rerun-show-tracebacks --verbose --durations=10 \
		--timeout=300 -p no:cacheprovider -p no:hypothesispytest --junitxml="$OUT/junit-$name.xml" "$@" 2>&1 |
		sed --unbuffered "s/^/$name: /"
}

# shellcheck disable=SC2086  # lists of words
{
	tests pair ${PAIR:-} &
	pair=0 labs=0
	tests labs ${LABS:-} || labs=$?
	wait $! || pair=$?
}
[ $pair != $NOTHING_SELECTED ] || pair=$labs
[ $labs != $NOTHING_SELECTED ] || labs=$pair
exit $((pair > labs ? pair : labs))
