# SPDX-License-Identifier: GPL-2.0-only
"""The client of Azure's Scheduled Events."""

from collections.abc import Iterable

from netvsc_bpf.manager.maintenance import azure_document
from netvsc_bpf.manager.maintenance.metadata_http import Request, answer
from netvsc_bpf.manager.maintenance.notice import Notice, Source
from netvsc_bpf.manager.state.maintenance_policy import Endpoint

_FIRST_S = 130.0
"""The first request enables the service, which may take two minutes."""
_LIMIT_S = 10.0


class AzureEvents:
    """Reads the events of this VM, and acknowledges them."""

    source = Source.AZURE

    def __init__(self, endpoint: Endpoint, limit_s: float = _LIMIT_S, first_s: float = _FIRST_S) -> None:
        self._endpoint, self._limit_s, self._events_s = endpoint, limit_s, first_s
        self._name: str | None = None

    async def read(self) -> tuple[Notice, ...]:
        """See NoticeSource. The name of the VM does not change while it runs, so it is read once."""
        if self._name is None:
            request = Request(azure_document.NAME, azure_document.HEADERS)
            self._name = azure_document.parse_name(await answer(self._endpoint, request, self._limit_s))
        request = Request(azure_document.EVENTS, azure_document.HEADERS)
        raw = await answer(self._endpoint, request, self._events_s)
        self._events_s = self._limit_s
        return azure_document.parse_events(raw, self._name)

    async def acknowledge(self, ids: Iterable[str]) -> None:
        """Allow Azure to begin before NotBefore. Raises NoticesUnavailable."""
        body = azure_document.start_requests(ids)
        await answer(
            self._endpoint, Request(azure_document.EVENTS, azure_document.HEADERS, body), self._limit_s
        )
