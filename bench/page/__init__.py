# SPDX-License-Identifier: GPL-2.0-only
"""docs/benchmarks.md, docs/benchmarks/ and their pictures, made of the files in bench/results alone.

`make bench-docs` writes them; a test compares. Each result file becomes a page: the method is the docstring
of the benchmark that wrote the file, tables and limits are those that it printed. What a benchmark has beyond
that (pictures, sentences about its numbers, tables from its raw numbers) is in a module of its name here.
"""
