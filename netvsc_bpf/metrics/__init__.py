# SPDX-License-Identifier: GPL-2.0-only
"""What Prometheus sees: one collector that reads pinned maps at scrape time, and the server inside `run`."""
