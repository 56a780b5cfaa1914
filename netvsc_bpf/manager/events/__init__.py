# SPDX-License-Identifier: GPL-2.0-only
"""Events: values, texts, the log, the buffer, the server and its client."""
