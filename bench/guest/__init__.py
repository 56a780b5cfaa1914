# SPDX-License-Identifier: GPL-2.0-only
"""What runs inside the virtual machines that a bench boots (vm/machine.py)."""
