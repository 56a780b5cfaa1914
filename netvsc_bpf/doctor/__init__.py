# SPDX-License-Identifier: GPL-2.0-only
"""Is this machine fit, and what stands in the way: findings, each with what was found and what helps.

One check a file. A check changes nothing, never raises for what it looks at, and takes what it looks at as
arguments, so that a test can show it any machine. ``examine`` runs them all.
"""
