# SPDX-License-Identifier: GPL-2.0-only
"""A virtual test network: network namespaces for guest, fabric and peer, and traffic that is counted.

The demo, the kernel tests and the benchmarks use it. It is not part of the data path, and it never touches an
interface that it did not create itself.

A lab runs inside a *sandbox*: a private mount namespace with its own bpffs and its own /run/netns. Names,
pins and links are therefore removed with the last process of the sandbox, however it ended. So no cleanup in
this package is essential; it only keeps a long-lived process tidy.

Traffic is sent and received by processes of their own (``udp_send``, ``udp_receive``, ``tcp_send``,
``tcp_receive``), which share memory with the process that reads the result. They import only the standard
library, so that they start quickly.
"""
