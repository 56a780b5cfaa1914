# SPDX-License-Identifier: GPL-2.0-only
"""attach, detach, drain and status of the data path of one network namespace.

Nothing is remembered between two calls: each reads links, maps and netlink, does what is missing, and leaves.
What a call has begun and cannot finish it takes back.
"""

from netvsc_bpf.datapath.attach import attach, attach_all
from netvsc_bpf.datapath.detach import detach, detach_all
from netvsc_bpf.datapath.draining import ManagerClient, drain, undrain, undrain_all
from netvsc_bpf.datapath.options import AttachOptions
from netvsc_bpf.datapath.status import status

__all__ = [
    "AttachOptions",
    "ManagerClient",
    "attach",
    "attach_all",
    "detach",
    "detach_all",
    "drain",
    "status",
    "undrain",
    "undrain_all",
]
