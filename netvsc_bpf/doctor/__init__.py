# SPDX-License-Identifier: GPL-2.0-only
"""Checks of whether this machine can run netvsc-bpf: findings, each with what was found and what to do.

One check per file. A check changes nothing, never raises for what it looks at, and takes what it looks at as
arguments, so that a test can give it any machine. ``examine`` runs all checks.
"""
