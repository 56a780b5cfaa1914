# SPDX-License-Identifier: GPL-2.0-only
"""The exporter inside `run`: a server in threads of its own, which never blocks the manager."""

import os
import threading
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from netvsc_bpf.metrics.auth import BasicAuth
from netvsc_bpf.metrics.collector import PairCollector
from netvsc_bpf.metrics.config import Listen, MetricsConfig
from netvsc_bpf.metrics.manager_stats import ManagerStats
from netvsc_bpf.metrics.server import MetricsServer
from netvsc_bpf.metrics.snapshot import SnapshotReader
from netvsc_bpf.metrics.text import encode
from netvsc_bpf.metrics.tls import Certificate
from netvsc_bpf.metrics.vf_problems import VfProblemWatch
from netvsc_bpf.model.errors import NetvscBpfError

_LONG_S = 86_400.0
"""Polling interval for shutdown; it can be long because MetricsServer.shutdown() wakes the thread."""
_RETRY_S = 10.0
"""Retry interval: the port may become free, or the certificate may appear."""

Report = Callable[[str], None]


class Exporter:
    """Serves the pairs of the network namespace that start() was called in, until close().

    `report` is called from several threads, with one line for each problem, when it first occurs.
    """

    def __init__(
        self,
        config: MetricsConfig,
        stats: ManagerStats,
        report: Report,
        listening: Report = lambda _: None,
    ) -> None:
        """`listening` is called with the URL each time that the server begins to listen."""
        self._config, self._stats, self._report, self._listening = config, stats, report, listening
        self._closing = threading.Event()
        self._begins_or_ends = threading.Lock()
        """So that nothing is announced after close()."""
        self._server: MetricsServer | None = None
        self._problems: VfProblemWatch | None = None

    def start(self) -> None:
        """Begin to listen, now or as soon as possible; without `listen` do nothing."""
        if self._config.listen is not None:
            serve = threading.Thread(
                target=self._keep_serving, args=(self._config.listen,), name="metrics", daemon=True
            )
            serve.start()

    def close(self) -> None:
        """Stop listening. Connections that are still being answered end with the process."""
        with self._begins_or_ends:
            self._closing.set()
        if self._server is not None:
            self._server.shutdown()
        if self._problems is not None:
            self._problems.close()

    def _keep_serving(self, listen: Listen) -> None:
        troubles = _Once(self._report)
        registry = CollectorRegistry()
        self._problems = VfProblemWatch(SnapshotReader(), _Once(self._report, "cannot check the VFs"))
        PairCollector(
            registry,
            SnapshotReader(),
            problems=self._problems,
            manager_up=lambda: True,
            stats=self._stats,
            failed=_Once(self._report, "cannot read the pairs for a scrape"),
        )
        while not self._closing.is_set():
            try:
                server = self._made(listen, registry, troubles)
            except (NetvscBpfError, OSError) as error:
                troubles(_listen_error(listen, error))
                self._closing.wait(_RETRY_S)
            else:
                troubles(None)
                with server:
                    if self._announced(server, listen):
                        server.serve_forever(poll_interval=_LONG_S)

    def _announced(self, server: MetricsServer, listen: Listen) -> bool:
        """Announce where it listens, unless it was closed meanwhile."""
        with self._begins_or_ends:
            if self._closing.is_set():
                return False
            self._server = server
            self._listening(self._url(listen, server.server_port))
            return True

    def _url(self, listen: Listen, port: int) -> str:
        scheme = "http" if self._config.cert_file is None else "https"
        return f"{scheme}://{Listen(listen.host or '0.0.0.0', port)}/metrics"

    def _made(self, listen: Listen, registry: CollectorRegistry, troubles: "_Once") -> MetricsServer:
        config = self._config
        certificate = None
        if config.cert_file is not None and config.key_file is not None:
            certificate = Certificate(config.cert_file, config.key_file, troubles)
        auth = BasicAuth(config.users)
        return MetricsServer(listen, lambda: encode(registry), auth, certificate, troubles)


class _Once:
    """Reports an error unless it is the one reported last; None: no error."""

    def __init__(self, report: Report, what: str | None = None) -> None:
        self._report, self._what = report, what
        self._last: str | None = None

    def __call__(self, error: BaseException | None) -> None:
        known = error is None or isinstance(error, NetvscBpfError | OSError)
        text = None if error is None else str(error) if known else f"{type(error).__name__}: {error}"
        if text is not None and text != self._last:
            self._report(f"{self._what}: {text}" if self._what else text)
        self._last = text


def _listen_error(listen: Listen, error: NetvscBpfError | OSError) -> NetvscBpfError:
    if isinstance(error, NetvscBpfError):
        return error
    why = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)
    return NetvscBpfError(
        f"cannot serve metrics on {listen}",
        why,
        f"retrying every {_RETRY_S:.0f} s; or change --metrics-listen",
    )
