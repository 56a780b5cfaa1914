# SPDX-License-Identifier: GPL-2.0-only
"""From C to pinned programs, in a child process: the only place that knows bcc."""
