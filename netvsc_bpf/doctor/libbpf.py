# SPDX-License-Identifier: GPL-2.0-only
"""Can libbpf.so.1 be loaded? Everything that opens pins uses it."""

from collections.abc import Callable

from netvsc_bpf.doctor.finding import Finding, from_error, ok
from netvsc_bpf.kernel.bpf.libbpf import lib
from netvsc_bpf.model.errors import NetvscBpfError

CHECK = "libbpf"


def check_libbpf(load: Callable[[], object] = lib) -> Finding:
    """Try to load it, as every command does."""
    try:
        load()
    except NetvscBpfError as error:
        return from_error(CHECK, error)
    return ok(CHECK, "libbpf.so.1 loads")
