# SPDX-License-Identifier: GPL-2.0-only
"""The exporters of made-up VMs: one server that answers on every address of the loopback network.

Each VM is a target of its own with an address of its own, so Prometheus keeps a connection for each, as it
does with a real fleet. The address that was asked says which VM is meant.
"""

import asyncio
import sys
import time

from bench.fleet_vms import State, Vm

PORT = 9855
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
)


class Exporter(asyncio.Protocol):
    """One connection to one VM."""

    def __init__(self, vms: int, began: float) -> None:
        self._vms, self._began, self._asked = vms, began, b""
        self._transport: asyncio.Transport | None = None
        self._vm: Vm | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find the VM whose address it is; one that is silent, or that does not exist, hangs up."""
        assert isinstance(transport, asyncio.Transport)
        third, fourth = map(int, transport.get_extra_info("sockname")[0].split(".")[2:])
        vm = Vm(250 * third + fourth - 1)
        if vm.number >= self._vms or vm.state is State.SILENT:
            transport.abort()
            return
        self._vm, self._transport = vm, transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request with the metrics."""
        self._asked += data
        while b"\r\n\r\n" in self._asked and self._vm is not None and self._transport is not None:
            _, _, self._asked = self._asked.partition(b"\r\n\r\n")
            now = time.time()
            body = self._vm.answer(now - self._began, now)
            self._transport.write(_HEAD % len(body) + body)


async def serve(vms: int) -> None:
    """Serve until the process is ended; print a line once it listens."""
    loop, began = asyncio.get_running_loop(), time.time()
    server = await loop.create_server(lambda: Exporter(vms, began), "0.0.0.0", PORT, backlog=4096)
    print("listening", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
