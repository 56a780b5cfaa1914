# SPDX-License-Identifier: GPL-2.0-only
"""Pure: what is observed, what is wanted, the time -> what to do next. No I/O, no kernel, tested by itself.

The planner is level-triggered: it looks at how things stand, never at what happened, so that an event that is
lost, late or told twice changes nothing but the moment. It is asked again until it has nothing to do.
"""
