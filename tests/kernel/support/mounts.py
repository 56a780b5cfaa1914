# SPDX-License-Identifier: GPL-2.0-only
"""Beginnings of command lines that change their own mounts before they run the rest."""

READ_ONLY_SYSCTLS = [
    *("unshare", "--mount", "sh", "-ec"),
    'mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys; exec "$@"',
    "sh",
]
