# SPDX-License-Identifier: GPL-2.0-only
"""debian/: what its files repeat of others is the same there."""

import re
import tomllib
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[3]
DEBIAN = REPO / "debian"


def test_the_package_depends_on_what_the_project_does_in_the_same_versions() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    wanted = {
        (f"python3-{name}", least) for name, least in (re.split(">=", one) for one in project["dependencies"])
    }
    control = (DEBIAN / "control").read_text()
    found = set(re.findall(r"^ (python3-[a-z0-9-]+) \(>= ([0-9.]+)\)", control, re.MULTILINE))
    assert wanted | {("python3-bpfcc", "0.26")} == found


@pytest.mark.parametrize("listing", ["netvsc-bpf.install", "netvsc-bpf.docs"])
def test_what_is_installed_is_there(listing: str) -> None:
    made = "debian/deployed/"  # by debian/rules
    for line in (DEBIAN / listing).read_text().splitlines():
        source = line.split()[0]
        assert source.startswith(made) or list(REPO.glob(source)), f"{listing}: {source}"


def test_places_of_an_installation_from_source_do_not_reach_the_package() -> None:
    rules = (DEBIAN / "rules").read_text()
    replaced = re.findall(r"-e 's,([^,]+),", rules)
    for name in ("systemd/netvsc-bpf.service", "udev/74-netvsc-bpf-vf.rules"):
        text = (REPO / "deploy" / name).read_text()
        for place in replaced:
            text = text.replace(place, "")
        assert not re.search("/opt/|/usr/local/", text), name


def test_every_configuration_that_the_program_reads_by_itself_is_where_the_package_has_it() -> None:
    assert "deploy/netvsc-bpf.toml etc/netvsc-bpf" in (DEBIAN / "netvsc-bpf.install").read_text()
    for name in ("deploy/systemd/netvsc-bpf.service", "cli/config.py", "docs/man/netvsc-bpf.toml.5"):
        text = (REPO / name).read_text().replace("\\-", "-")
        assert "/etc/netvsc-bpf/netvsc-bpf.toml" in text, name
