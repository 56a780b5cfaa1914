# SPDX-License-Identifier: GPL-2.0-only
"""Measurements behind the claims of the documents: `make bench-X` runs bench/X.py.

What is compared is run in turns and reported as the median of paired differences or ratios: absolute numbers
of a shared machine say little. Each prints a table and what it claims, exits with 1 where a claim does not
hold, and writes the raw numbers where ``--json`` says.
"""
