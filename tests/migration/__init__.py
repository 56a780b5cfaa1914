# SPDX-License-Identifier: GPL-2.0-only
"""Live migration of a guest whose VF the orchestrator unplugs before and plugs in after (row 106).

Two QEMUs on this machine, a bridge between them, and a peer. The tests of tests/vm run in guests of
virtme-ng, whose root is a 9p share of the host, with which QEMU does not migrate; these have their own image.
"""
