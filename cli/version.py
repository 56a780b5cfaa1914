# SPDX-License-Identifier: GPL-2.0-only
"""What `--version` prints: the version, and a digest of the installed sources.

A version number does not say whether files were changed after the release. Equal digests mean the same Python
and C, however it was installed.
"""

from pathlib import Path

import click
import netvsc_bpf.cli
import netvsc_bpf.ebpf

import netvsc_bpf

_SOURCES = frozenset({".py", ".c", ".h"})
_DIGITS = 12
"""Hexadecimal; enough to distinguish any two trees that were not made to collide."""


def source_digest() -> str:
    """Return the first digits of a SHA-256 over the names and contents of all installed sources.

    Names are those below the package, where cli/ and ebpf/ are once installed: a checkout and a package made
    of it have the same digest.
    """
    import hashlib  # here, because every command imports this module

    parts = {"": netvsc_bpf.__path__, "cli/": netvsc_bpf.cli.__path__, "ebpf/": netvsc_bpf.ebpf.__path__}
    found = {
        f"{prefix}{path.relative_to(folder)}": path
        for prefix, folders in parts.items()
        for folder in folders
        for path in Path(folder).rglob("*")
        if path.suffix in _SOURCES
    }
    digest = hashlib.sha256()
    for name, path in sorted(found.items()):
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:_DIGITS]


def show(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    """Print one line and exit, if the option was given."""
    if value and not ctx.resilient_parsing:
        click.echo(f"netvsc-bpf {netvsc_bpf.__version__} (source {source_digest()})")
        ctx.exit()
