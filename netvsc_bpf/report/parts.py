# SPDX-License-Identifier: GPL-2.0-only
"""The parts of a report, each a file of the archive."""

import json
import platform
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from netvsc_bpf import __version__
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.names import json_text

_PACKAGES = ("click", "rich", "pyroute2", "prometheus-client")


@dataclass(frozen=True, slots=True)
class Part:
    """One file: its name, what it is, and what makes its text."""

    name: str
    what: str
    make: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Made:
    """A part that was made, or why it could not be."""

    part: Part
    text: str | None
    why_missing: str | None = None


def parts() -> tuple[Part, ...]:
    """Return all parts."""
    return (
        Part(
            "versions.json",
            "versions of netvsc-bpf, Python and its packages, kernel and distribution",
            _versions,
        ),
        Part("doctor.json", "as of `doctor --json`", _doctor),
        Part("status.json", "as of `status --json`", _status),
        Part("events.jsonl", "as of `events --json`", _events),
        Part("metrics.txt", "as of `metrics`", _metrics),
        Part("links.json", "every interface: names, MACs, MTU, state, driver, counters", _links),
        Part("programs.json", "pins, and the programs on tc and XDP hooks of each interface", _programs),
    )


def made(part: Part) -> Made:
    """Make a part. Whatever goes wrong becomes the reason why it is missing: it may be the bug."""
    try:
        return Made(part, part.make())
    except (NetvscBpfError, OSError) as error:
        return Made(part, None, str(error))
    except Exception as error:
        return Made(part, None, "".join(traceback.format_exception(error)))


def _versions() -> str:
    return _json(
        {
            "netvsc_bpf": __version__,
            "python": sys.version,
            "packages": dict(_packages()),
            "kernel": f"{platform.release()} {platform.version()}",
            "machine": platform.machine(),
            "distribution": _distribution(),
        }
    )


def _packages() -> Iterator[tuple[str, str | None]]:
    for name in _PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, None


def _distribution() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:  # there is no such file, as in some containers
        return None


def _doctor() -> str:
    from netvsc_bpf.doctor.examine import examine
    from netvsc_bpf.doctor.finding import is_fit

    findings = examine()
    return _json({"fit": is_fit(findings), "findings": [one.as_json() for one in findings]})


def _status() -> str:
    from netvsc_bpf import api

    return _json([pair.as_json() for pair in api.status()])


def _events() -> str:
    from netvsc_bpf import api

    notes: list[str] = []
    (records,) = api.events(note=notes.append)
    lines = [json_text(record) for record in records]
    return "".join(f"{line}\n" for line in [*(json_text({"note": note}) for note in notes), *lines])


def _metrics() -> str:
    from netvsc_bpf.manager.events import claim
    from netvsc_bpf.metrics.once import scrape

    return scrape(claim.is_claimed)


def _links() -> str:
    from netvsc_bpf.discovery.nics import list_nics
    from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink

    with Rtnetlink() as rtnl:
        return _json([asdict(nic) for nic in list_nics(rtnl)])


def _programs() -> str:
    from netvsc_bpf.report.programs import programs

    return _json(programs())


def _json(value: Any) -> str:
    return json_text(json.loads(json.dumps(value, default=str)), indent=2) + "\n"
