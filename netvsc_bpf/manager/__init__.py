# SPDX-License-Identifier: GPL-2.0-only
"""The manager: keeps pairs as they are wanted while VFs come, go, flap and change, and reports what it did.

The data path does not need it: steering, failover and return are the kernel's. What it adds is what only
userspace can do: join a VF that is new, keep its settings in step, damp one that flaps, repair what somebody
removed.
"""
