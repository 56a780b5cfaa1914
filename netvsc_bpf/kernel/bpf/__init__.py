# SPDX-License-Identifier: GPL-2.0-only
"""BPF objects: system calls, BTF, maps, links, pins, the ring buffer, the loaded object."""
