# SPDX-License-Identifier: GPL-2.0-only
"""Sends frames as fast as one CPU can, as a process: blast.py NAMESPACE INTERFACE CPU FRAMES HEX.

It is ready when it has printed a line, and begins when it has been sent one.
"""

import os
import socket
import sys

from netvsc_bpf.lab.namespace import enter


def main(namespace: str, interface: str, cpu: int, frames: int, frame: bytes) -> None:
    enter(namespace)
    os.sched_setaffinity(0, {cpu})
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire:
        wire.bind((interface, 0))
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(frames):
            wire.send(frame)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), bytes.fromhex(sys.argv[5]))
