# SPDX-License-Identifier: GPL-2.0-only
"""docs/benchmarks.md, docs/benchmarks/ and their pictures, made of the files in bench/results and of nothing else.

`make bench-docs` writes them; a test compares. Whatever result files there are become sections: the method is
the docstring of the benchmark that wrote the file, tables and limits are those that it printed. What a
benchmark has beyond that (pictures, sentences drawn from its numbers) stands in a module of its name here.
"""
