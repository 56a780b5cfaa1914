# SPDX-License-Identifier: GPL-2.0-only
"""Rules that no type checker knows: who may import whom, where bcc may be, what the wheel holds."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
PACKAGE = "netvsc_bpf"

# Storeys of the house, ground floor last. A part may import parts of lower storeys; neighbours on one storey
# only as long as none leads back to where it came from. Where a part is missing, decide its storey here.
STOREYS = (
    ("cli",),
    ("report",),
    ("api",),
    ("config",),
    ("capture", "datapath", "doctor", "lab", "manager", "metrics", "view"),
    ("discovery", "kernel", "planner"),
    ("ebpf", "model"),
)
HEIGHT = {part: -depth for depth, storey in enumerate(STOREYS) for part in storey}
PURE = ("model", "planner")  # tested by themselves: they import the model only
BCC_MODULE = f"{PACKAGE}.kernel.compile.bcc"  # bcc's memory is for a short-lived child alone

# Two parts are large enough for wings, which are ordered as the storeys are. Wings of one storey do not
# import each other. The files of manager/ itself, the process, are above its wings; kernel/ has none.
WINGS = {
    "kernel": (("compile",), ("hooks",), ("net",), ("bpf",), ("process",)),
    "manager": (("namespaces",), ("maintenance", "sync", "watch"), ("reconcile",), ("events",), ("state",)),
}
WING_HEIGHT = {
    (part, wing): -depth
    for part, storeys in WINGS.items()
    for depth, storey in enumerate(storeys)
    for wing in storey
}
ABOVE_ITS_WINGS = {"manager": 1}

Edge = tuple[str, str]


def modules(repo: Path) -> dict[str, Path]:
    """Every module of the product by the name it is imported as; cli/ and ebpf/ are parts of the package."""
    found = {}
    for folder in (PACKAGE, "cli", "ebpf"):
        for path in sorted((repo / folder).rglob("*.py")):
            name = ".".join(path.relative_to(repo).with_suffix("").parts).removesuffix(".__init__")
            found[name if folder == PACKAGE else f"{PACKAGE}.{name}"] = path
    return found


def imports(name: str, path: Path, known: set[str]) -> Iterator[str]:
    """The absolute names that a module imports, wherever in it: in a function and for types alone as well."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
                base = package[: len(package) - node.level + 1]
                origin = ".".join([*base, *([origin] if origin else [])])
            for alias in node.names:  # `from netvsc_bpf import kernel` names a part too
                yield f"{origin}.{alias.name}" if f"{origin}.{alias.name}" in known else origin
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("import_module", "__import__"):
                yield str(node.args[0].value)


def part_of(module: str) -> str | None:
    """The part of the house that a module belongs to; None for the roof itself and for other people's."""
    names = module.split(".")
    return names[1] if names[0] == PACKAGE and len(names) > 1 else None


def wing_of(module: str, path: Path) -> str | None:
    """The wing that a module is in; None for the part's own files, and where a part has no wings."""
    names = module.split(".")
    deep_enough = len(names) > 3 or (len(names) == 3 and path.name == "__init__.py")
    return names[2] if deep_enough and part_of(module) in WINGS else None


def wing_violations(name: str, imported: str, known: dict[str, Path]) -> list[str]:
    """What is wrong with an import within one part that has wings."""
    part = part_of(name)
    assert part is not None
    while imported not in known:  # a name in a module
        imported = imported.rpartition(".")[0]
    wing, other = wing_of(name, known[name]), wing_of(imported, known[imported])
    if wing == other or (other is None and known[imported].name == "__init__.py"):
        return []
    top = ABOVE_ITS_WINGS.get(part, 0)
    height = WING_HEIGHT.get((part, wing or ""), top)
    if WING_HEIGHT.get((part, other or ""), top) >= height:
        return [f"{name} imports {imported}, which is in no lower wing"]
    return []


def violations(repo: Path) -> list[str]:
    """Every broken rule below ``repo``, in words."""
    known = modules(repo)
    broken = []
    neighbours: set[Edge] = set()
    for name, path in known.items():
        part = part_of(name)
        if part is None:
            continue
        if part not in HEIGHT:
            broken.append(f"{name}: '{part}' stands on no storey of the house")
            continue
        wing = wing_of(name, path)
        in_itself = wing is None and name.count(".") > 1
        if part in WINGS and (
            (in_itself and part not in ABOVE_ITS_WINGS) or (wing and (part, wing) not in WING_HEIGHT)
        ):
            broken.append(f"{name} is in no wing of {part}")
            continue
        for imported in imports(name, path, set(known)):
            if imported.split(".")[0] == "bcc" and name != BCC_MODULE:
                broken.append(f"{name} imports bcc, which is {BCC_MODULE}'s alone")
            if imported.split(".")[0] in ("cli", "ebpf"):
                broken.append(
                    f"{name} imports {imported}, which is called {PACKAGE}.{imported} once installed"
                )
            other = part_of(imported)
            if other == part and part in WINGS:
                broken += wing_violations(name, imported, known)
            if other is None or other == part or other not in HEIGHT:
                continue
            if HEIGHT[other] > HEIGHT[part]:
                broken.append(f"{name} imports {imported}, which stands above it")
            elif part in PURE and other != "model":
                broken.append(f"{name} imports {imported}, but {part} is pure")
            elif HEIGHT[other] == HEIGHT[part]:
                neighbours.add((part, other))
    return broken + [
        f"{part} and {other} import each other" for part, other in circular(neighbours) if part < other
    ]


def circular(edges: set[Edge]) -> set[Edge]:
    """The pairs of parts that each lead to the other, directly or through neighbours."""
    closure = set(edges)
    while more := {(a, d) for a, b in closure for c, d in closure if b == c} - closure:
        closure |= more
    return {(a, b) for a, b in closure if (b, a) in closure and a != b}


def tree(repo: Path, files: dict[str, str]) -> Path:
    """Lay a made-up house below ``repo``."""
    for name, text in files.items():
        path = repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return repo


def test_imports_point_downwards() -> None:
    assert violations(REPO) == []


def test_bcc_is_imported_by_the_compile_child() -> None:
    known = modules(REPO)
    users = {
        name
        for name, path in known.items()
        if "bcc" in {i.split(".")[0] for i in imports(name, path, set(known))}
    }
    assert users == {BCC_MODULE}


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("netvsc_bpf/kernel/hooks/tc.py", "from netvsc_bpf.datapath import steer", "stands above it"),
        ("netvsc_bpf/kernel/hooks/tc.py", "from netvsc_bpf import datapath", "stands above it"),
        ("netvsc_bpf/kernel/hooks/tc.py", "from ... import datapath", "stands above it"),
        ("netvsc_bpf/kernel/hooks/tc.py", "from ...datapath.steer import go", "stands above it"),
        ("netvsc_bpf/kernel/__init__.py", "from ..datapath import steer", "stands above it"),
        (
            "netvsc_bpf/kernel/hooks/tc.py",
            "def f():\n    import netvsc_bpf.datapath.steer",
            "stands above it",
        ),
        ("netvsc_bpf/model/nic.py", "from netvsc_bpf.kernel import tc", "stands above it"),
        ("netvsc_bpf/manager.py", "from netvsc_bpf.cli.render import table", "stands above it"),
        ("netvsc_bpf/planner.py", "from netvsc_bpf.kernel.hooks.tc import attach", "is pure"),
        ("netvsc_bpf/discovery/nics.py", "import bcc.table", "imports bcc"),
        ("netvsc_bpf/discovery/nics.py", "import importlib\nimportlib.import_module('bcc')", "imports bcc"),
        ("cli/status.py", "from cli.render import table", "once installed"),
        ("netvsc_bpf/attic/dust.py", "", "no storey"),
        ("netvsc_bpf/kernel/dust.py", "", "no wing"),
        ("netvsc_bpf/kernel/attic/dust.py", "", "no wing"),
        ("netvsc_bpf/manager/attic/dust.py", "", "no wing"),
        ("netvsc_bpf/kernel/bpf/pins.py", "from netvsc_bpf.kernel.net import nsid", "no lower wing"),
        ("netvsc_bpf/kernel/bpf/pins.py", "from ..net.nsid import ask", "no lower wing"),
        ("netvsc_bpf/manager/sync/vlans.py", "from netvsc_bpf.manager.watch import stalls", "no lower wing"),
        ("netvsc_bpf/manager/state/config.py", "from netvsc_bpf.manager import process", "no lower wing"),
    ],
)
def test_a_broken_rule_is_found(tmp_path: Path, path: str, text: str, complaint: str) -> None:
    others = (
        "datapath/__init__",
        "datapath/steer",
        "kernel/net/nsid",
        "manager/watch/stalls",
        "manager/process",
    )
    house = tree(tmp_path, {f"netvsc_bpf/{other}.py": "" for other in others} | {path: text})
    assert [complaint in broken for broken in violations(house)] == [True]


def test_neighbours_may_not_import_each_other(tmp_path: Path) -> None:
    ring = {
        "netvsc_bpf/manager.py": "import netvsc_bpf.metrics",
        "netvsc_bpf/metrics.py": "import netvsc_bpf.doctor",
        "netvsc_bpf/doctor.py": "import netvsc_bpf.manager",
    }
    assert violations(tree(tmp_path, ring)) != []


def test_a_house_in_order_is_left_in_peace(tmp_path: Path) -> None:
    files = {
        "cli/attach.py": "from netvsc_bpf.cli import render\nfrom netvsc_bpf.datapath import steer",
        "cli/render.py": "import click",
        "netvsc_bpf/datapath/steer.py": "from netvsc_bpf.kernel import tc\nfrom . import other",
        "netvsc_bpf/datapath/other.py": "from netvsc_bpf.model.nic import Nic",
        "netvsc_bpf/manager.py": "from netvsc_bpf.datapath import steer",
        "netvsc_bpf/kernel/compile/bcc.py": "import bcc",
        "netvsc_bpf/planner.py": "from netvsc_bpf.model import nic",
    }
    assert violations(tree(tmp_path, files)) == []


def test_every_package_is_in_the_wheel() -> None:
    listed = set(tomllib.loads((REPO / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    assert listed == {name for name, path in modules(REPO).items() if path.name == "__init__.py"}
