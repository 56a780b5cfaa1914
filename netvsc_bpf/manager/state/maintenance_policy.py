# SPDX-License-Identifier: GPL-2.0-only
"""Where announced maintenance is read from, and what is done about it: settings and their defaults."""

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from netvsc_bpf.model.errors import Refused
from netvsc_bpf.model.setting import Contradiction, Setting

_PORT = 80
_ENDPOINT = re.compile(
    r"http://(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<v4>[0-9.]+))(?::(?P<port>[0-9]{1,5}))?/?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A metadata service: an IPv4 or IPv6 address, so that no name is resolved, and a TCP port."""

    address: str = "169.254.169.254"
    port: int = _PORT

    @property
    def host(self) -> str:
        """The value of the header Host (RFC 9110, section 7.2)."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return address if self.port == _PORT else f"{address}:{self.port}"

    def __str__(self) -> str:
        return f"http://{self.host}"


def parse_endpoint(text: str) -> Endpoint:
    """Parse http://ADDRESS, http://ADDRESS:PORT or http://[ADDRESS6]:PORT. Raises Refused."""
    found = _ENDPOINT.fullmatch(text)
    if found is not None and 0 < (port := int(found["port"] or _PORT)) < 65536:
        with suppress(ValueError):
            if found["v6"]:
                return Endpoint(str(ipaddress.IPv6Address(found["v6"])), port)
            return Endpoint(str(ipaddress.IPv4Address(found["v4"])), port)
    raise Refused(
        f"cannot use the endpoint {text!r}",
        'must be "http://ADDRESS" or "http://ADDRESS:PORT", without a name or path',
        f'for example "{Endpoint()}"',
    )


@dataclass(frozen=True, slots=True)
class MaintenancePolicy:
    """Draining all managed pairs before the host is serviced, and using their VFs again afterwards.

    Sources are Azure's Scheduled Events and a file that others write. Without a source there is no
    maintenance. Raises Contradiction if notices shall be acknowledged but are not read.
    """

    azure: Annotated[bool, Setting("Read Azure's Scheduled Events from the metadata service.")] = False
    endpoint: Annotated[
        Endpoint,
        Setting(
            'The metadata service: "http://ADDRESS" or "http://ADDRESS:PORT". Proxies are not used.',
            parse=parse_endpoint,
        ),
    ] = Endpoint()
    acknowledge: Annotated[
        bool,
        Setting(
            "Acknowledge an event once all pairs are drained, so that Azure need not wait until its time. "
            "That goes for every VM that the event names, not only for this one."
        ),
    ] = False
    file: Annotated[
        Path | None,
        Setting("A JSON file of events, for other clouds and hypervisors; it need not exist."),
    ] = None
    lead_s: Annotated[
        float, Setting("How long before maintenance may start to drain, in seconds.", least=0, most=86_400)
    ] = 60.0
    interval_s: Annotated[
        float, Setting("How often to read the sources, in seconds; Azure recommends 1.", least=0.2, most=60)
    ] = 1.0

    def __post_init__(self) -> None:
        if self.acknowledge and not self.azure:
            raise Contradiction(
                "cannot acknowledge events",
                "acknowledge needs azure = true",
                fields=("acknowledge", "azure"),
            )
