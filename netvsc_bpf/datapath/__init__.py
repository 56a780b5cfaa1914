# SPDX-License-Identifier: GPL-2.0-only
"""attach, detach, drain and status of the data path of one network namespace.

No state is kept between two calls: each reads links, maps and netlink and does what is missing. A call that
fails undoes what it has begun.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netvsc_bpf.datapath.attach_pair import attach, attach_all
    from netvsc_bpf.datapath.detach_pair import detach, detach_all
    from netvsc_bpf.datapath.drain_pair import drain, undrain, undrain_all
    from netvsc_bpf.datapath.manager_client import ManagerClient
    from netvsc_bpf.datapath.options import AttachOptions
    from netvsc_bpf.datapath.pair_status import status
    from netvsc_bpf.datapath.undamp_pair import undamp

__all__ = [
    "AttachOptions",
    "ManagerClient",
    "attach",
    "attach_all",
    "detach",
    "detach_all",
    "drain",
    "status",
    "undamp",
    "undrain",
    "undrain_all",
]
_MODULES = {
    "AttachOptions": "options",
    "ManagerClient": "manager_client",
    "attach": "attach_pair",
    "attach_all": "attach_pair",
    "detach": "detach_pair",
    "detach_all": "detach_pair",
    "drain": "drain_pair",
    "status": "pair_status",
    "undamp": "undamp_pair",
    "undrain": "drain_pair",
    "undrain_all": "drain_pair",
}


def __getattr__(name: str) -> Any:
    """Import a name on first use: `status` needs a third of the modules that `attach` needs."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return found
