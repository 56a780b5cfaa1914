# SPDX-License-Identifier: GPL-2.0-only
"""The exporter's settings: where it listens, and which users it answers. Pure."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from netvsc_bpf.model.errors import Refused
from netvsc_bpf.model.setting import Contradiction, Setting

DEFAULT_PORT = 9855
_OFF = "none"
_BCRYPT = re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}")


@dataclass(frozen=True, slots=True)
class Listen:
    """An IPv4 or IPv6 address (or a name) and a TCP port; port 0 lets the kernel choose."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_listen(text: str) -> Listen | None:
    """Parse ADDR:PORT, [ADDR6]:PORT, :PORT (every address) or "none" (no exporter). Raises Refused."""
    if text == _OFF:
        return None
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    plain = bracketed or ":" not in host
    if not (colon and plain and port.isascii() and port.isdecimal() and int(port) < 65536):
        raise Refused(
            f"cannot listen on {text!r}",
            "must be ADDR:PORT or none",
            f"for example 127.0.0.1:{DEFAULT_PORT}",
        )
    return Listen(host, int(port))


@dataclass(frozen=True, slots=True)
class MetricsConfig:
    """The exporter's settings, modelled on the web configuration of other Prometheus exporters.

    Without `listen` there is no exporter. TLS needs both files (PEM); they are read again for the first
    connection after a change. `users` are (name, bcrypt hash); without any the metrics are public. Raises
    Refused if only one of the files is given, or a hash is not a bcrypt hash.
    """

    listen: Annotated[
        Listen | None,
        Setting(
            f'Address to serve metrics on: "ADDR:PORT", "[ADDR6]:PORT", or "{_OFF}".',
            parse=parse_listen,
            live=False,
        ),
    ] = Listen()
    cert_file: Annotated[
        Path | None, Setting("PEM file with the certificate, for TLS; needs key_file too.", live=False)
    ] = None
    key_file: Annotated[Path | None, Setting("PEM file with its key.", live=False)] = None
    users: Annotated[
        tuple[tuple[str, str], ...],
        Setting('Users who may read them: { NAME = "BCRYPT HASH" }; if empty, everyone.', live=False),
    ] = ()

    def __post_init__(self) -> None:
        if (self.cert_file is None) != (self.key_file is None):
            named, other = ("certificate", "key") if self.key_file is None else ("key", "certificate")
            raise Contradiction(
                "cannot serve metrics by TLS",
                f"there is a {named} but no {other}",
                "name both",
                fields=("cert_file", "key_file"),
            )
        for name, hashed in self.users:
            if not _BCRYPT.fullmatch(hashed):
                # Do not print the value: it may be the password itself.
                raise Contradiction(
                    f"cannot serve metrics to user {name!r}",
                    "the password is not a bcrypt hash",
                    "create one with `htpasswd -nB USER`",
                    fields=("users",),
                )
