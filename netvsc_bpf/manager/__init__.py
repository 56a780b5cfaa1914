# SPDX-License-Identifier: GPL-2.0-only
"""The manager: keeps pairs as configured while VFs come, go, flap and change, and reports what it did.

The data path does not need it: steering, failover and return are done in the kernel. It adds what only
userspace can do: join a new VF, keep its settings in sync, damp one that flaps, repair what was removed.
"""
