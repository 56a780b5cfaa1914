# SPDX-License-Identifier: GPL-2.0-only
"""Capturing a pair: both paths, both directions, each frame once.

What the packet sockets ("taps") see, on every kernel (net/core/dev.c; tested on 6.1, 6.12 and 6.18):

=========================  ==================  ====================================================
frame                      tap of the VF       tap of the synthetic NIC
=========================  ==================  ====================================================
sent, steered to the VF    out                 nothing: tc egress comes before the tap
sent, not steered          nothing             out
received by the VF         in                  in, after home redirected it
received by the synthetic  nothing             in, if guard passed it
=========================  ==================  ====================================================

So outgoing frames of both devices and incoming frames of the synthetic NIC together are each frame once.
Incoming frames of the VF are read too, but only to find out which frames on the synthetic NIC came that way:
the kernel keeps a frame's timestamp when it is redirected, so it is the same to the nanosecond.
"""
