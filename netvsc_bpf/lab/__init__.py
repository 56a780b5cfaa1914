# SPDX-License-Identifier: GPL-2.0-only
"""A network in a box: namespaces that stand for guest, fabric and peer, and traffic that is counted.

The demo, the kernel tests and the benchmarks all stand on this. Nothing here belongs to the data path, and
nothing here touches an interface that it did not make itself.

A lab stands inside a *sandbox*: a private mount namespace with its own bpffs and its own /run/netns. Names,
pins and links therefore go with the last process of the sandbox, whatever ended it. That is the reason why no
file of this package has a cleanup that must not be missed; the ones that exist are courtesy to a long-lived
process.

Traffic is sent and received by processes of their own (``udp_send``, ``udp_receive``, ``tcp_send``,
``tcp_receive``), which share memory with the process that reads the result. They import nothing but the
standard library, so that starting one costs little.
"""
