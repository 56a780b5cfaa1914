#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every check that needs no kernel: ruff, mypy, clang-format and shellcheck. All of them run even if one fails, so that one
# run shows every problem.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

failed=()
check() {
	local name=$1
	shift
	printf 'lint: %s\n' "$name"
	"$@" || failed+=("$name")
}

# cli/ and ebpf/ are the import packages netvsc_bpf.cli and netvsc_bpf.ebpf (see pyproject.toml). mypy derives names from
# directories, so it gets a tree of links with that layout, and the paths in its messages are translated back.
types() {
	local part tree=build/types
	rm -rf $tree && mkdir -p $tree/netvsc_bpf || return
	for part in netvsc_bpf/* cli ebpf; do
		ln -s "../../../$part" $tree/netvsc_bpf/
	done
	MYPYPATH=$tree .venv/bin/mypy --config-file pyproject.toml --package netvsc_bpf 2>&1 |
		sed -E "s#^$tree/netvsc_bpf/(cli|ebpf)/#\1/#; s#^$tree/##"
}

layout() {
	local sources
	mapfile -t sources < <(find ebpf tests -name '*.[ch]' | sort)
	[ ${#sources[@]} = 0 ] || .venv/bin/clang-format --dry-run -Werror "${sources[@]}"
}

# deploy/udev/netvsc-bpf-vf, .ci/run and what dpkg runs have no suffix.
shells() {
	local scripts
	mapfile -t scripts < <(git ls-files --cached --others --exclude-standard -- '*.sh' .ci/run deploy/udev/netvsc-bpf-vf \
		'debian/*.p[or]*' debian/preinst.in)
	shellcheck "${scripts[@]}"
}

# Every file that can have comments begins with its licence.
licences() {
	local file bad=0
	while read -r file; do
		if [ -s "$file" ] && ! head -n 2 "$file" | grep -q 'SPDX-License-Identifier: '; then
			echo "$file: no SPDX-License-Identifier in its first lines"
			bad=1
		fi
	done < <(git ls-files --cached --others --exclude-standard -- '*.py' '*.c' '*.h' '*.sh' Makefile .ci/run 2>/dev/null)
	return $bad
}

check "ruff check" .venv/bin/ruff check --quiet .
check "ruff format" .venv/bin/ruff format --check --quiet .
check "mypy --strict" types
check "clang-format" layout
check "shellcheck" shells
check "SPDX lines" licences

if [ ${#failed[@]} != 0 ]; then
	printf 'lint: failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
echo "lint: clean"
