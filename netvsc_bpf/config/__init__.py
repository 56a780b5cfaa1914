# SPDX-License-Identifier: GPL-2.0-only
"""The configuration file: TOML in, a ManagerConfig out, or an error with the number of the faulty line.

Its sections are the dataclasses that make up a ManagerConfig, its keys the fields of these with a
`netvsc_bpf.model.setting.Setting`. A field that is added there becomes a key, is checked and documented.
"""
