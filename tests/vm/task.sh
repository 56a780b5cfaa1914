# SPDX-License-Identifier: GPL-2.0-only
#
# What a guest of tests/vm/run.py does (see vm/guest.sh): the tests marked `guest`, and those of tests/vm.
set -euo pipefail

for module in veth bridge 8021q macvlan dummy ifb tun sch_ingress cls_bpf act_mirred sch_fq_codel sch_netem; do
	modprobe $module || echo "guest: no module $module"
done
# An emulated processor is ten times slower than what the tests' own limit is meant for.
# No test of these uses hypothesis, whose plugin takes seconds to load there.
PYTHONUNBUFFERED=1 exec .venv/bin/python -m pytest -m guest --reruns 1 --verbose --durations=10 --timeout=300 -p no:cacheprovider \
	-p no:hypothesispytest --junitxml="$OUT/junit.xml"
