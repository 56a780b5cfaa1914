# SPDX-License-Identifier: GPL-2.0-only
"""The manual pages of section 5, from the configuration keys, and of section 7, from the metrics."""

from collections.abc import Iterator

from roff import DATE, WRITTEN, escaped, filled, paragraphs, tagged

from netvsc_bpf import __version__
from netvsc_bpf.config.keys import Key
from netvsc_bpf.config.reference import has_default
from netvsc_bpf.config.sections import INTERFACE, meaning, sections
from netvsc_bpf.metrics.families import FAMILIES
from netvsc_bpf.metrics.family import Family, Source
from netvsc_bpf.metrics.reference import SAYS, TITLES

_CONFIGURATION = """
`netvsc-bpf run --config FILE` reads a TOML file. Every key is optional; options on the command line win over
the file. A key that is unknown, of another type, out of range or in contradiction to another one is refused
with FILE:LINE: reason and exit status 2. `netvsc-bpf config check` shows every mistake.

SIGHUP (`systemctl reload netvsc-bpf`) reads the file again. If it has a mistake, the line is logged and the
old configuration stays in force. Otherwise changes take effect without releasing a VF that still fits. Where
a key needs a restart instead, it is said there.
"""
_METRICS = """
`netvsc-bpf run` serves metrics in Prometheus' text format 0.0.4 on 127.0.0.1:9855, unless its configuration
says otherwise. `netvsc-bpf metrics` prints them once, for a textfile collector, with or without a manager.

Labels name the synthetic NIC. Counters of a pair are kept in pinned maps: they survive restarts, upgrades and
crashes of the manager, and start again from 0 when the pair is detached and attached.
"""


def configuration_page() -> str:
    """Return netvsc-bpf.toml(5) in roff."""
    lines = [
        *_head("NETVSC-BPF.TOML", 5, "File Formats"),
        *_name("netvsc-bpf.toml", "configuration of netvsc-bpf run"),
        ".SH SYNOPSIS",
        "/etc/netvsc\\-bpf/netvsc\\-bpf.toml",
        ".SH DESCRIPTION",
        *paragraphs(_CONFIGURATION),
    ]
    for name, keys in sections().items():
        title = f"[{name}.NAME]" if name == INTERFACE else f"[{name}]"
        lines += [f'.SH "{escaped(title)}"', *paragraphs(meaning(name))]
        lines += tagged((key.name, _key(key, name)) for key in keys.values())
    return _end(lines, "netvsc-bpf(1), netvsc-bpf-metrics(7)")


def metrics_page() -> str:
    """Return netvsc-bpf-metrics(7) in roff."""
    lines = [
        *_head("NETVSC-BPF-METRICS", 7, "Miscellaneous"),
        *_name("netvsc-bpf-metrics", "Prometheus metrics of netvsc-bpf"),
        ".SH DESCRIPTION",
        *paragraphs(_METRICS),
    ]
    for source in Source:
        lines += [f'.SH "{TITLES[source].upper()}"', *filled(SAYS[source])]
        lines += tagged((_metric(one), one.help) for one in FAMILIES if one.source is source)
    return _end(lines, "netvsc-bpf(1), netvsc-bpf.toml(5)")


def _key(key: Key, section: str) -> str:
    parts = [key.setting.text, f"Takes {key.takes}."]
    if section != INTERFACE and has_default(key):
        parts.append(f"Default: {key.default_toml}.")
    if not key.setting.live:
        parts.append("A change needs a restart.")
    return " ".join(parts)


def _metric(family: Family) -> str:
    labels = f"{{{', '.join(family.labels)}}}" if family.labels else ""
    return f"{family.full_name}{labels} ({family.type.value})"


def _head(title: str, section: int, kind: str) -> Iterator[str]:
    yield from WRITTEN
    yield f'.TH {title} {section} "{DATE}" "netvsc-bpf {__version__}" "{kind}"'


def _name(name: str, summary: str) -> Iterator[str]:
    yield from (".SH NAME", f"{escaped(name)} \\- {escaped(summary)}")


def _end(lines: list[str], see_also: str) -> str:
    return "\n".join([*lines, ".SH SEE ALSO", *filled(see_also), ""])
