# SPDX-License-Identifier: GPL-2.0-only
"""Two NICs as one: steer a synthetic NIC's traffic through its SR-IOV VF with eBPF.

The names in `__all__` are the library: they are kept stable like the commands (docs/library.md). Every other
module is private, and may change with each version.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netvsc_bpf.api import (
        attach,
        attach_all,
        detach,
        detach_all,
        drain,
        events,
        plan_attach,
        status,
        undamp,
        undrain,
        undrain_all,
    )
    from netvsc_bpf.datapath.attach_pair import Attached
    from netvsc_bpf.datapath.options import AttachOptions
    from netvsc_bpf.model.errors import NetvscBpfError
    from netvsc_bpf.model.path import Path, Reason
    from netvsc_bpf.model.status import PairStatus

__version__ = "0.2.0"
"""The only place that the version is written; pyproject.toml reads it, and debian/changelog repeats it."""

__all__ = [
    "AttachOptions",
    "Attached",
    "NetvscBpfError",
    "PairStatus",
    "Path",
    "Reason",
    "attach",
    "attach_all",
    "detach",
    "detach_all",
    "drain",
    "events",
    "plan_attach",
    "status",
    "undamp",
    "undrain",
    "undrain_all",
]
_ELSEWHERE = {
    "AttachOptions": "datapath.options",
    "Attached": "datapath.attach_pair",
    "NetvscBpfError": "model.errors",
    "PairStatus": "model.status",
    "Path": "model.path",
    "Reason": "model.path",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use: the compiler's process and `--help` need none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'api')}"), name)
