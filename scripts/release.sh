#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds everything of a release from the commit that is checked out: source archive, wheel, the Debian package (if the
# Makefile has the target `deb`), SBOM, release notes, checksums. Commits nothing, tags nothing, publishes nothing.
#
# Source archive and wheel have the same bytes wherever the same commit is built with the same tools: they are made of
# the commit's files, not of the work tree's, and every time in them is the commit's.
#
# Usage: scripts/release.sh [DIRECTORY]    by default build/release, which is made anew
set -euo pipefail
cd "$(dirname "$0")/.."
TARGET=$(realpath -m "${1:-build/release}")

say() { printf 'release: %s\n' "$*"; }
die() {
	printf 'release: %s\n' "$*" >&2
	exit 1
}

[ -z "$(git status --porcelain)" ] || die "there are changes that are not committed; a release is made of a commit"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC PIP_DISABLE_PIP_VERSION_CHECK=1
umask 022

tools=$(scripts/tools.sh release)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/source" "$work/out"
git -c tar.umask=0022 archive HEAD | tar x -C "$work/source"

say "source archive and wheel of $(git log -1 --format='%h, %cs')"
"$tools/pyproject-build" --no-isolation --sdist --outdir "$work/out" "$work/source" >"$work/log" 2>&1 ||
	die "$(tail -n 20 "$work/log")"
sdist=$(echo "$work"/out/*.tar.gz)
version=${sdist##*/netvsc_bpf-}
version=${version%.tar.gz}
section=$version
if ! git tag --points-at HEAD | grep -qxF "v$version"; then
	say "this commit has no tag v$version: a trial, with the notes of what is unreleased"
	section=Unreleased
fi
"$tools/python" scripts/normal_sdist.py "$sdist"
# Of the source archive, so that what others build from it is the same.
mkdir "$work/unpacked"
tar xzf "$sdist" -C "$work/unpacked" --strip-components 1
"$tools/pyproject-build" --no-isolation --wheel --outdir "$work/out" "$work/unpacked" >"$work/log" 2>&1 ||
	die "$(tail -n 20 "$work/log")"
wheel=$(echo "$work"/out/*.whl)

if make -n deb >/dev/null 2>&1; then
	say "Debian package"
	touch "$work/before"
	make deb >"$work/log" 2>&1 || die "make deb failed: $(tail -n 20 "$work/log")"
	find build dist -name '*.deb' -newer "$work/before" -exec cp {} "$work/out" \; 2>/dev/null || true
	compgen -G "$work/out/*.deb" >/dev/null || die "make deb left no new .deb below build or dist"
else
	say "no Debian package: the Makefile has no target deb"
fi

# Of an environment in which the wheel is installed as pip resolves it today. bcc is the distribution's and is not in it.
say "SBOM"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install "$wheel"
"$work/venv/bin/pip" -q uninstall -y pip setuptools
# cyclonedx-py does not know versions that are read from the code.
sed "s/^dynamic = \[\"version\"\]/version = \"$version\"/" pyproject.toml >"$work/pyproject.toml"
"$tools/cyclonedx-py" environment --pyproject "$work/pyproject.toml" --mc-type application --spec-version 1.6 \
	--output-reproducible --validate --output-format JSON \
	--output-file "$work/out/netvsc-bpf-$version.cdx.json" "$work/venv/bin/python" 2>"$work/log" ||
	die "cyclonedx-py failed: $(tail -n 20 "$work/log")"

python3 scripts/release_notes.py CHANGELOG.md "$section" >"$work/out/RELEASE-NOTES.md"
(cd "$work/out" && sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)

rm -rf "$TARGET"
mkdir -p "$(dirname "$TARGET")"
cp -r "$work/out" "$TARGET"
say "in $TARGET:"
cat "$TARGET/SHA256SUMS"
