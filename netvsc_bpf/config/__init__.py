# SPDX-License-Identifier: GPL-2.0-only
"""The configuration file: TOML in, a ManagerConfig out, or one line that names the line at fault.

Its sections are the dataclasses that a ManagerConfig is made of, its keys their fields that carry a
`netvsc_bpf.model.setting.Setting`: what is added there is a key here, checked and on the reference page.
"""
