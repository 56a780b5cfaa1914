# SPDX-License-Identifier: GPL-2.0-only
"""Prometheus metrics: a collector that reads pinned maps at each scrape, and the server inside `run`."""
