# SPDX-License-Identifier: GPL-2.0-only
"""The exporter's certificate, read again when its files change."""

import ssl
from collections.abc import Callable
from pathlib import Path

from netvsc_bpf.model.errors import Refused


class Certificate:
    """A certificate and its key, in PEM files. Raises Refused if they cannot be used at start.

    `failed` is called later if changed files cannot be used: the previous certificate stays in use.
    """

    def __init__(self, cert: Path, key: Path, failed: Callable[[Exception | None], None]) -> None:
        self._cert, self._key, self._failed = cert, key, failed
        self._seen = self._stamp()
        self._context = self._load()

    def context(self) -> ssl.SSLContext:
        """Return the TLS context for a new connection."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._context = self._load()
                self._failed(None)
            except Refused as error:
                self._failed(error)
        return self._context

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # Never ask for a passphrase: a service has no terminal.
            context.load_cert_chain(self._cert, self._key, password=lambda: "")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            why = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            raise Refused(
                f"cannot serve metrics by TLS with {self._cert} and {self._key}",
                str(why).lower().replace("_", " "),
                "name a certificate and its key as PEM files that this process may read",
            ) from error
        return context

    def _stamp(self) -> tuple[object, ...]:
        return tuple(_stamp(path) for path in (self._cert, self._key))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
