# SPDX-License-Identifier: GPL-2.0-only
"""One capture of a pair: both paths, both directions, each frame once.

What the taps see, on every kernel (net/core/dev.c; tried on 6.1, 6.12 and 6.18):

=========================  ==================  ====================================================
frame                      tap of the VF       tap of the synthetic NIC
=========================  ==================  ====================================================
sent, steered to the VF    out                 nothing: tc egress comes before the tap
sent, not steered          nothing             out
received by the VF         in                  in, once home has brought it there
received by the synthetic  nothing             in, if guard let it pass
=========================  ==================  ====================================================

So all that goes out on either device and all that comes in on the synthetic NIC is each frame once. What
comes in on the VF is read as well, but only to tell which of the frames on the synthetic NIC came that way:
the kernel leaves a frame's time stamp alone when it is brought home, so it is the same to the nanosecond.
"""
