# SPDX-License-Identifier: GPL-2.0-only
"""Plans the next steps from the observed state, the wanted state and the time. Pure, without I/O.

The planner is level-triggered: it uses the current state, not events, so that an event that is lost, late or
duplicated only changes when it acts. It is called again until nothing is left to do.
"""
