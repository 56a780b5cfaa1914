# SPDX-License-Identifier: GPL-2.0-only
"""What happened: values, words, the log, the buffer, the server and its client."""
