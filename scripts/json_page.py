# SPDX-License-Identifier: GPL-2.0-only
"""Writes docs/json.md and docs/schema/*.json from the objects that the commands print.

Run by `make docs`. Keys and their order are those that the code prints for samples that differ in everything;
types are those of the values. What a key means is written in json_meanings.py: a key without a meaning, or
the reverse, is an error.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from json_meanings import DOCTOR, EVENT, PLAN, STATUS, TOP

from netvsc_bpf.doctor.finding import Level, ok, warning
from netvsc_bpf.manager.events.kinds import Detail, Event, Kind, Severity
from netvsc_bpf.model.attach_choice import AttachChoice
from netvsc_bpf.model.drain import Drained, DrainedBy
from netvsc_bpf.model.nic import Nic
from netvsc_bpf.model.path import (
    GuardMode,
    Hook,
    Liveness,
    Reason,
    ReturnPolicy,
    RxMode,
    XdpMode,
    XdpPolicy,
)
from netvsc_bpf.model.path import Path as Way
from netvsc_bpf.model.probe import Probe, ProbeState
from netvsc_bpf.model.status import Drops, PairStatus, PathTraffic, Traffic
from netvsc_bpf.planner.forecast import forecast
from netvsc_bpf.planner.observation import PairObservation
from netvsc_bpf.planner.plan import Wanted
from netvsc_bpf.planner.preview import PairPreview, Preview, Programs
from netvsc_bpf.view.plan_words import plan_json
from netvsc_bpf.view.rates import PairRates, PathRates, Rate, as_json

REPO = Path(__file__).resolve().parents[1]
PAGE = Path("docs/json.md")
SCHEMAS = Path("docs/schema")

DETAILS: Mapping[Detail, Mapping[str, Any]] = {
    Detail.TO: {"enum": [one.value for one in Way]},
    Detail.REASON: {"type": ["string", "null"]},
    Detail.VF: {"type": "string"},
    Detail.NETNS: {"type": "string"},
    Detail.STEP: {"type": "string"},
    Detail.HOOK: {"type": "string"},
    Detail.ERROR: {"type": "string"},
    Detail.ERRORS: {"type": "integer"},
    Detail.DURATION_S: {"type": "number"},
    Detail.WHY: {"type": "string"},
    Detail.BY: {"enum": [one.value for one in DrainedBy]},
    Detail.UNTIL: {"type": "string", "format": "date-time"},
    Detail.HOLD_S: {"type": "number"},
    Detail.JOIN_S: {"type": "number"},
    Detail.IFINDEX: {"type": "integer"},
    Detail.BOOTTIME_NS: {"type": "integer"},
    Detail.MONOTONIC_NS: {"type": "integer"},
    Detail.MAINTENANCE: {"type": "string"},
    Detail.NOT_BEFORE: {"type": "string", "format": "date-time"},
}
"""Types of the details of events; docs/events.md explains them."""
_TWICE = {"vf.taken_down", "chosen.rx", "chosen.guard", "chosen.return", "pairs.path", "pairs.reason"}
"""Keys whose values are those of another one."""
ENUMS: Mapping[str, type[StrEnum]] = {
    "status.path": Way,
    "status.reason": Reason,
    "status.vf.taken_down": Reason,
    "status.hook": Hook,
    "status.liveness": Liveness,
    "status.rx": RxMode,
    "status.guard": GuardMode,
    "status.guard_xdp": XdpMode,
    "status.drained.by": DrainedBy,
    "status.chosen.rx": RxMode,
    "status.chosen.guard": GuardMode,
    "status.chosen.xdp": XdpPolicy,
    "status.chosen.return": ReturnPolicy,
    "status.return": ReturnPolicy,
    "status.probe.state": ProbeState,
    "doctor.findings.level": Level,
    "plan.programs": Programs,
    "plan.pairs.path": Way,
    "plan.pairs.reason": Reason,
    "top.pairs.path": Way,
    "top.pairs.reason": Reason,
    "event.event": Kind,
    "event.severity": Severity,
}
TIMES = {
    "status.last_change",
    "status.until",
    "status.drained.since",
    "status.drained.until",
    "status.probe.last_answer",
    "event.time",
    "top.time",
}

HEAD = """\
# JSON

For authors of scripts and programs: every key that `--json` prints. The keys keep their name and meaning;
new ones may be added. Times are ISO 8601 in UTC with microseconds (`2026-11-30T02:36:39.961022Z`); names
that are not UTF-8 are escaped as in text.

<!-- Written by scripts/json_page.py from the code that prints it; change that, and run make docs. -->
"""
STATUS_TEXT = """\
`netvsc-bpf status --json` prints an array with one object for each attached pair, `attach --json` the same
for what it attached ([schema](schema/status.json))."""
DOCTOR_TEXT = "`netvsc-bpf doctor --json` prints one object ([schema](schema/doctor.json))."
PLAN_TEXT = """\
`netvsc-bpf plan --json` and `attach --dry-run --json` print one object ([schema](schema/plan.json))."""
TOP_TEXT = """\
`netvsc-bpf top --json` prints one object a line for each interval ([schema](schema/top.json))."""
EVENT_TEXT = """\
`netvsc-bpf events --json` and `run --log-json` print one object a line ([schema](schema/event.json)).
Beside these keys an event has the details of its kind: [events.md](events.md#details)."""

_NOW = datetime(2026, 11, 30, 2, 36, 39, 961022, tzinfo=UTC)
_ETH0 = Nic(2, "eth0", "00:15:5d:01:02:03", 1500, True, True, driver="hv_netvsc")
_VF = Nic(3, "enp3s0v0", _ETH0.mac, 1500, True, True, driver="mlx5_core", parent="7c4b:00:02.0")
_CHOICE = AttachChoice("vf0", True, 100, RxMode.REDIRECT, GuardMode.ALL, XdpPolicy.WARN, ReturnPolicy.MANUAL)
_TRAFFIC = PathTraffic(Traffic(1, 2), Traffic(3, 4))


def _pair(vf: Nic | None, **other: Any) -> PairStatus:
    return PairStatus(
        synthetic=_ETH0,
        vf=vf,
        path=Way.VF,
        reason=Reason.ARMED,
        hook=Hook.TCX,
        liveness=Liveness.FENTRY,
        rx_mode=RxMode.REDIRECT,
        guard=GuardMode.OFF,
        tx=_TRAFFIC,
        rx=_TRAFFIC,
        path_changes=1,
        **{"drops": Drops(), "last_change": None, **other},
    )


def samples() -> dict[str, list[Any]]:
    """Return what the three commands print, in states that between them have every key and every null."""
    bare = Nic(3, "vf0", _ETH0.mac, 1500, True, True)
    pairs = [
        _pair(
            _VF,
            last_change=_NOW,
            settle_ms=100,
            managed=True,
            until=_NOW,
            taken_down=Reason.DRAINED,
            drained=Drained(_NOW, _NOW, "NIC firmware"),
            chosen=_CHOICE,
            unused=("vf1 is not used: it belongs to bridge br0",),
            passed_by=(7,),
            guard_xdp=XdpMode.NATIVE,
            probe=Probe(("192.0.2.1",), ProbeState.REACHABLE, _NOW),
        ),
        _pair(
            bare,
            drops=Drops(rx_home=None),
            drained=Drained(_NOW, by=DrainedBy.MAINTENANCE),
            chosen=AttachChoice(),
            probe=Probe((), ProbeState.NO_TARGETS),
        ),
        _pair(None),
        PairStatus(**{**_fields(_pair(None)), "synthetic": Nic(2, "eth0", _ETH0.mac, 1500, True, True)}),
    ]
    busy = PairRates(
        pairs[0], PathRates(Rate(1.5, 2.5), Rate(0.5, 0.5)), PathRates(Rate(1.5, 2.5), Rate(0.5, 0.5)), 1
    )
    findings = [ok("kernel", "6.12"), warning("qdisc", "fq", "shape the VF too")]
    event = Event(Kind.SWITCHED, "eth0", "vf (armed)")
    fresh = PairObservation(_ETH0, steer=False, guard=False, liveness=Liveness.LIVE, candidate=bare)
    planned = PairPreview(_ETH0, forecast(fresh, Wanted()), 100, GuardMode.MULTICAST, ("vf1 is not used",))
    plans = [Preview((planned,), Programs.LOAD, 7, (9,), ("eth7",)), Preview((planned,))]
    return {
        "status": [[one.as_json() for one in pairs]],
        "doctor": [{"fit": True, "findings": [one.as_json() for one in findings]}],
        "plan": [plan_json(one) for one in plans],
        "top": [as_json([busy, PairRates(pairs[2], None, None, 0)], _NOW, 2.0)],
        "event": [event.as_record()],
    }


def _fields(pair: PairStatus) -> dict[str, Any]:
    return {name: getattr(pair, name) for name in PairStatus.__dataclass_fields__}


MEANINGS = {"status": STATUS, "doctor": DOCTOR, "plan": PLAN, "top": TOP, "event": EVENT}
TITLES = {
    "status": "netvsc-bpf status --json",
    "doctor": "netvsc-bpf doctor --json",
    "plan": "netvsc-bpf plan --json",
    "top": "one line of netvsc-bpf top --json",
    "event": "one line of netvsc-bpf events --json",
}


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of one command's output. Raises ValueError where keys and meanings differ."""
    seen: list[str] = []
    made = _schema(samples()[name], name, seen)
    if set(seen) != set(MEANINGS[name]):
        raise ValueError(f"{name}: keys that differ from their meanings: {set(seen) ^ set(MEANINGS[name])}")
    if name == "event":
        if set(DETAILS) != set(Detail):
            raise ValueError(f"details without a type: {set(Detail) ^ set(DETAILS)}")
        made["properties"] |= {detail.value: dict(DETAILS[detail]) for detail in Detail}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": TITLES[name], **made}


def _schema(values: Iterable[Any], path: str, seen: list[str]) -> dict[str, Any]:
    """Return the schema of values that all stand at `path`."""
    values = list(values)
    kinds = sorted({_kind(value) for value in values}, key=_KINDS.index)
    made: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds}
    if path in ENUMS:
        made["enum"] = [one.value for one in ENUMS[path]] + ([None] if "null" in kinds else [])
    elif path in TIMES:
        made["format"] = "date-time"
    name, _, below = path.partition(".")
    if below:
        made["description"] = MEANINGS[name][below].replace("`", "") if below in MEANINGS[name] else ""
    objects = [value for value in values if isinstance(value, dict)]
    if objects:
        keys = list(objects[0])
        seen += [key for one in keys if (key := f"{below}.{one}".lstrip(".")) not in seen]
        made["properties"] = {
            key: _schema([one[key] for one in objects], f"{path}.{key}", seen) for key in keys
        }
        made["required"] = keys
    if items := [item for value in values if isinstance(value, list) for item in value]:
        made["items"] = _schema(items, path, seen)
        made["items"].pop("description", None)
    return made


_KINDS = ("object", "array", "string", "integer", "number", "boolean", "null")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array"}
    return kinds[type(value)]


def page() -> str:
    """Return the text of docs/json.md."""
    parts = [HEAD]
    for name, title, text in (
        ("status", "status", STATUS_TEXT),
        ("doctor", "doctor", DOCTOR_TEXT),
        ("plan", "plan", PLAN_TEXT),
        ("top", "top", TOP_TEXT),
        ("event", "events", EVENT_TEXT),
    ):
        made = schema(name)
        parts += [f"## {title}", "", text, "", "| key | type | meaning |", "|---|---|---|"]
        parts += [f"| `{key}` | {kind} | {meaning} |" for key, kind, meaning in _rows(name, made)]
        parts += ["", *_sets(name)]
    return "\n".join(parts).rstrip() + "\n"


def _rows(name: str, made: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(key, _type(_at(made, key)), meaning) for key, meaning in MEANINGS[name].items()]


def _at(made: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    for part in path.split("."):
        made = made.get("items", made)["properties"][part]
    return made


def _type(made: Mapping[str, Any]) -> str:
    kinds = [made["type"]] if isinstance(made["type"], str) else list(made["type"])
    if "format" in made:
        kinds[kinds.index("string")] = "time"
    return " or ".join(kinds)


def _sets(name: str) -> list[str]:
    """Return the closed sets of values, as a list."""
    sets = [
        (path.removeprefix(f"{name}."), kind) for path, kind in ENUMS.items() if path.startswith(f"{name}.")
    ]
    lines = [
        f"- `{key}` is one of {', '.join(f'`{one.value}`' for one in kind)}."
        for key, kind in sets
        if kind is not Kind and key not in _TWICE
    ]
    return [*lines, ""]


def written() -> dict[Path, str]:
    """Return every file that this script writes, by its path in the repository."""
    schemas = {
        SCHEMAS / f"{name}.json": json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"
        for name in MEANINGS
    }
    return {PAGE: page(), **schemas}


def faults(made: Mapping[str, Any], value: object, where: str = "$") -> Sequence[str]:
    """Return where a value breaks a schema of those above: types, enums, required and unknown keys."""
    found: list[str] = []
    kinds = made.get("type", _KINDS)
    allowed = {kinds} if isinstance(kinds, str) else set(kinds)
    if "number" in allowed:
        allowed.add("integer")
    if _kind(value) not in allowed:
        return [f"{where}: {_kind(value)}, not {' or '.join(sorted(allowed))}"]
    if "enum" in made and value not in made["enum"]:
        found.append(f"{where}: {value!r} is not one of its values")
    if isinstance(value, dict) and "properties" in made:
        found += [f"{where}: no {key}" for key in made.get("required", ()) if key not in value]
        for key, one in value.items():
            if key not in made["properties"]:
                found.append(f"{where}: unknown key {key}")
            else:
                found += faults(made["properties"][key], one, f"{where}.{key}")
    if isinstance(value, list):
        for number, item in enumerate(value):
            found += faults(made.get("items", {}), item, f"{where}[{number}]")
    return found


if __name__ == "__main__":
    for path, text in written().items():
        (REPO / path).parent.mkdir(parents=True, exist_ok=True)
        (REPO / path).write_text(text, encoding="utf-8")
