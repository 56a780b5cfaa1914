# SPDX-License-Identifier: GPL-2.0-only
"""bcc as the distribution installs it, as PyPI misnames it, and not at all."""

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from netvsc_bpf.doctor.bcc import check_bcc
from netvsc_bpf.doctor.finding import Level


class Importer:
    """Finds a package in one folder, as importlib.util.find_spec would."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def __call__(self, name: str) -> ModuleSpec | None:
        if self._folder is None:
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(self._folder)]
        return spec


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "bcc"
    folder.mkdir()
    (folder / "libbcc.py").touch()
    (folder / "version.py").write_text("__version__ = '0.26.0'\n")
    return folder


def test_bcc_of_the_distribution_is_found_with_its_version(package: Path) -> None:
    finding = check_bcc(Importer(package), package.parent)
    assert (finding.level, finding.what) == (Level.OK, f"0.26.0 in {package}")


@pytest.mark.parametrize(("version", "level"), [("0.29.1+ds", Level.OK), ("0.25.0", Level.PROBLEM)])
def test_version_is_compared_by_number(package: Path, version: str, level: Level) -> None:
    (package / "version.py").write_text(f'__version__ = "{version}"\n')
    assert check_bcc(Importer(package), package.parent).level is level


def test_version_that_cannot_be_read_is_only_a_warning(package: Path) -> None:
    (package / "version.py").unlink()
    assert check_bcc(Importer(package), package.parent).level is Level.WARNING


def test_unrelated_package_of_pypi_is_recognised(package: Path) -> None:
    (package / "libbcc.py").unlink()
    finding = check_bcc(Importer(package), package.parent)
    assert finding.level is Level.PROBLEM
    assert "PyPI" in finding.what
    assert "pip uninstall bcc" in (finding.remedy or "")


def test_s67_missing_bcc_names_the_package(tmp_path: Path) -> None:
    finding = check_bcc(Importer(None), tmp_path)
    assert (finding.level, finding.remedy) == (Level.PROBLEM, "run `apt-get install python3-bpfcc`")


def test_virtual_environment_that_hides_bcc_is_distinguished_from_a_missing_one(package: Path) -> None:
    finding = check_bcc(Importer(None), package.parent)
    assert finding.level is Level.PROBLEM
    assert "--system-site-packages" in (finding.remedy or "")


def test_looking_for_bcc_does_not_import_it() -> None:
    import sys

    before = "bcc" in sys.modules
    check_bcc()
    assert ("bcc" in sys.modules) == before
