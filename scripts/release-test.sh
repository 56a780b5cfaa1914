#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds a release twice, at different times, with different masks and time zones, and compares: source archive and wheel
# must have the same bytes. Then looks at what is in it.
#
# Usage: scripts/release-test.sh
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
check() {
	local what=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		printf 'release: %s\n' "$what"
	else
		printf 'release: NOT %s\n' "$what"
		cat "$work/log"
		failed=1
	fi
}

# Of a clone, so that a checkout with changes can be tested: what is committed is what counts.
git clone -q . "$work/one"
git clone -q . "$work/another place"
(umask 022 && cd "$work/one" && TZ=UTC scripts/release.sh "$work/first")
sleep 1.1 # zip has the time in steps of 2 seconds, tar in seconds
(umask 077 && cd "$work/another place" && TZ=Asia/Tokyo LANG=C scripts/release.sh "$work/second" >"$work/log" 2>&1) ||
	{ cat "$work/log" && exit 1; }

cd "$work/first"
for file in *.tar.gz *.whl; do
	check "$file is the same when built again" cmp "$file" "$work/second/$file"
done
check "checksums are right" sha256sum --check --quiet SHA256SUMS
check "checksums are complete" \
	diff <(find . -type f ! -name SHA256SUMS -printf '%f\n' | sort) <(awk '{ print $2 }' SHA256SUMS | sort)
sdist=$(echo netvsc_bpf-*.tar.gz)
version=${sdist#netvsc_bpf-}
check "the SBOM names the dependencies" python3 - ./*.cdx.json "$work/one/pyproject.toml" "${version%.tar.gz}" <<'PY'
import json, re, sys, tomllib
sbom = json.load(open(sys.argv[1]))
project = tomllib.load(open(sys.argv[2], "rb"))["project"]
wanted = {re.match(r"[\w-]+", one)[0] for one in project["dependencies"]}
found = {one["name"].lower().replace("_", "-"): one["version"] for one in sbom["components"]}
print("wanted", wanted, "found", found)
root = sbom["metadata"]["component"]
sys.exit(not (wanted <= found.keys() and (root["name"], root["version"]) == (project["name"], sys.argv[3])))
PY
check "the SBOM has no path of the machine that made it" bash -c '! grep -n "file://\|/tmp/\|/root/\|/home/" ./*.cdx.json'
check "release notes have entries" grep -q '^- ' RELEASE-NOTES.md
tar tzf ./*.tar.gz >"$work/list"
for file in deploy/systemd/netvsc-bpf.service docs/man/netvsc-bpf.1 CHANGELOG.md ebpf/latch.h LICENSE; do
	check "the source archive has $file" grep -q "/$file\$" "$work/list"
done
exit $failed
