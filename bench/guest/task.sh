# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What a guest of a bench does (see vm/guest.sh): the module that BENCH names, with what it imports of the kernel loaded.
set -euo pipefail

for module in $MODULES_WANTED; do
	modprobe "$module"
done
PYTHONUNBUFFERED=1 exec .venv/bin/python -m "$BENCH" "$OUT/result.json"
