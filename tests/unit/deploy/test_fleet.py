# SPDX-License-Identifier: GPL-2.0-only
"""deploy/ansible, deploy/container and deploy/kubernetes agree with the unit, and with each other."""

import re
from pathlib import Path
from typing import Any

import pytest

from netvsc_bpf.config.load import load
from tests.fleet.containerfile import NotUnderstood, build, instructions

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: make setup installs it")

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
ROLE = DEPLOY / "ansible/roles/netvsc_bpf"
CONTAINERFILE = (DEPLOY / "container/Containerfile").read_text()
MANIFESTS: dict[str, Any] = {
    one["kind"]: one for one in yaml.safe_load_all((DEPLOY / "kubernetes/netvsc-bpf.yaml").read_text())
}
POD = MANIFESTS["DaemonSet"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


def test_a_pod_has_the_capabilities_of_the_unit_and_no_more() -> None:
    unit = (DEPLOY / "systemd/netvsc-bpf.service").read_text()
    (bounding,) = re.findall(r"^CapabilityBoundingSet=(.*)$", unit, re.MULTILINE)
    context = CONTAINER["securityContext"]
    assert {f"CAP_{name}" for name in context["capabilities"]["add"]} == set(bounding.split())
    assert context["capabilities"]["drop"] == ["ALL"]
    assert "privileged" not in context and context["readOnlyRootFilesystem"]


def test_the_test_of_the_pod_gives_it_the_same_capabilities() -> None:
    script = (DEPLOY.parent / "tests/fleet/pod.sh").read_text()
    (given,) = re.findall(r"--bounding-set=-all,(\S+)", script)
    assert set(given.upper().replace("+", "").split(",")) == set(
        CONTAINER["securityContext"]["capabilities"]["add"]
    )


def test_what_a_pod_reads_is_mounted() -> None:
    volumes = {one["name"] for one in POD["volumes"]}
    mounts = {one["name"]: one["mountPath"] for one in CONTAINER["volumeMounts"]}
    assert set(mounts) == volumes
    name, file = CONTAINER["args"][2].rpartition("/")[::2]
    assert CONTAINER["args"][:2] == ["run", "--config"] and mounts["config"] == name
    assert set(MANIFESTS["ConfigMap"]["data"]) == {file}
    assert POD["hostNetwork"] is True


def test_the_configuration_of_the_pods_loads(tmp_path: Path) -> None:
    (file := tmp_path / "netvsc-bpf.toml").write_text(MANIFESTS["ConfigMap"]["data"]["netvsc-bpf.toml"])
    config = load(file)
    assert config.interfaces == ("eth0",)
    assert str(CONTAINER["livenessProbe"]["tcpSocket"]["port"]) in file.read_text()


def test_selector_and_labels_agree() -> None:
    template = MANIFESTS["DaemonSet"]["spec"]["template"]
    assert MANIFESTS["DaemonSet"]["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"]
    namespaces = {one["metadata"].get("namespace") for kind, one in MANIFESTS.items() if kind != "Namespace"}
    assert namespaces == {MANIFESTS["Namespace"]["metadata"]["name"]}


def test_the_role_installs_the_files_of_deploy_not_copies() -> None:
    copied = {
        item["src"] for task in tasks("wheel.yml") for item in task.get("loop", []) if isinstance(item, dict)
    }
    links = {path.name: path for path in (ROLE / "files").iterdir()}
    assert set(links) == copied
    assert all(path.is_symlink() and path.resolve().is_relative_to(DEPLOY) for path in links.values())


def test_every_variable_of_the_role_has_a_default_and_is_documented() -> None:
    defaults = set(yaml.safe_load((ROLE / "defaults/main.yml").read_text()))
    page = (DEPLOY.parent / "docs/fleet.md").read_text()
    assert set(re.findall(r"^\| `(netvsc_bpf_\w+)` \|", page, re.MULTILINE)) == defaults
    read = re.findall(r"\b(netvsc_bpf_\w+)", " ".join(path.read_text() for path in ROLE.rglob("*.[yj][m2]*")))
    registered = {"netvsc_bpf_unit", "netvsc_bpf_user", "netvsc_bpf_config_file"}
    assert set(read) - registered == defaults


def tasks(name: str) -> list[dict[str, Any]]:
    """The tasks in a file of the role, their loops flat."""
    return list(yaml.safe_load((ROLE / "tasks" / name).read_text()))


def test_instructions_are_read_with_continued_lines_and_without_comments() -> None:
    text = '# a\nFROM b AS c\n\nRUN d \\\n    && e\n  # f\nCMD ["g"]\n'
    assert list(instructions(text)) == [("FROM", "b AS c"), ("RUN", "d     && e"), ("CMD", '["g"]')]


def test_the_image_is_built_of_what_there_is() -> None:
    copied = [
        rest.split()[:-1]
        for name, rest in instructions(CONTAINERFILE)
        if name == "COPY" and "--from" not in rest
    ]
    assert [one for names in copied for one in names if not (DEPLOY.parent / one).exists()] == []


@pytest.mark.parametrize("line", ["ADD a b", "USER 1000", "FROM debian"])
def test_an_instruction_that_cannot_be_tried_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(NotUnderstood):
        build(line, tmp_path, tmp_path, tmp_path)
