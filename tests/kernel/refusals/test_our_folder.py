# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf's folder in bpffs, prepared by another user, or changed while root works in it.

bpffs is mounted as by hand here (mode 1777): any user may make a folder of our name.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.kernel.bpf import pin_files
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.lab.plan import Fabric, LabPlan
from netvsc_bpf.lab.sandbox import BPFFS
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.errors import NetvscBpfError
from tests.kernel.commands import refused, run, start, state
from tests.kernel.machine import unchanged
from tests.kernel.unprivileged.user import UID

ROOT = BPFFS / "netvsc-bpf"
OUTSIDER = 65534
ATTACH = ("attach", "eth0", "--vf", "vf0", "--settle", "10", "--json")
COMMANDS = (ATTACH, ("detach", "eth0"), ("detach", "--all"), ("run", "eth0", "--any-bus"), ("status",))
TRIES = 200
REAL_TRIES = 6
"""Of these so many run the command itself, which takes half a second each."""


@pytest.fixture
def lab(lab_factory: Callable[..., Lab]) -> Lab:
    return lab_factory(LabPlan(fabric=Fabric.NONE))


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A folder of root's, as deep as ours, with files where we have pins."""
    for name in ("a", "steer", "maps/pairs", "programs/steer", "object/maps/pairs", "sub/b"):
        path = tmp_path / "precious" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "precious"


@pytest.fixture(autouse=True)
def cleared() -> Iterator[None]:
    yield
    if ROOT.is_symlink():
        ROOT.unlink()
    else:
        shutil.rmtree(ROOT, ignore_errors=True)


def contents(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything that an attack could change: owner, group, mode and text."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        stat = path.lstat()
        text = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (stat.st_uid, stat.st_gid, stat.st_mode, text)
    return found


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    before = contents(folder)
    yield
    assert contents(folder) == before


def chown_all(folder: Path, uid: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, uid, follow_symlinks=False)


def home(lab: Lab) -> Path:
    return ROOT / str(lab.in_guest(namespaces.current_inode))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_s73_folder_of_another_user_is_refused(lab: Lab, precious: Path, command: tuple[str, ...]) -> None:
    loading = home(lab) / "loading_1"
    loading.parent.mkdir(parents=True, mode=0o700)
    ROOT.chmod(0o700)
    loading.symlink_to(precious)
    chown_all(ROOT, OUTSIDER)
    with unchanged(lab), untouched(precious):
        refused(run(lab, *command), 4, f"{ROOT} is not trusted: it belongs to user {OUTSIDER}")
    assert loading.is_symlink()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_s73_folder_that_is_a_symlink_is_refused(lab: Lab, precious: Path, command: tuple[str, ...]) -> None:
    ROOT.symlink_to(precious)
    with unchanged(lab), untouched(precious):
        refused(run(lab, *command), 4, f"{ROOT} is not trusted: it is a symlink")


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o720, 0o704, 0o777])
def test_s73_folder_in_which_others_have_rights_is_refused(lab: Lab, mode: int) -> None:
    ROOT.mkdir()
    ROOT.chmod(mode)
    with unchanged(lab):
        refused(run(lab, *ATTACH), 4, f"access to {ROOT} (mode {mode:o})", f"chmod 700 {ROOT}")


def test_s73_doctor_reports_the_owner_of_the_folder(lab: Lab) -> None:
    ROOT.mkdir(0o700)
    os.chown(ROOT, OUTSIDER, OUTSIDER)
    result = run(lab, "doctor")
    assert result.returncode == 4
    assert f"it belongs to user {OUTSIDER}" in result.stdout


@pytest.mark.parametrize("user", [0, UID], ids=["root", "service"])
@pytest.mark.parametrize("name", ["loading_1", "visitors/7", "pair_9"])
def test_s73_symlink_in_our_folder_leads_nowhere(lab: Lab, precious: Path, name: str, user: int) -> None:
    """Even where the service's user made it: root never follows one, and removes no more than the link."""
    link = home(lab) / name
    link.parent.mkdir(parents=True)
    ROOT.chmod(0o700)
    link.symlink_to(precious)
    chown_all(ROOT, user)
    with untouched(precious):
        run(lab, *ATTACH)
        run(lab, "detach", "--all")
        assert not ROOT.exists() or not link.is_symlink()


@pytest.mark.parametrize("name", ["object", "object/maps", "object/maps/pairs", "pair_2", "pair_2/steer"])
def test_s73_symlink_in_place_of_an_own_object_is_not_followed(lab: Lab, precious: Path, name: str) -> None:
    state(run(lab, *ATTACH))
    path = home(lab) / name
    path.rename(home(lab) / "moved")
    path.symlink_to(precious / name if (precious / name).exists() else precious)
    with untouched(precious):
        for command in (("status",), ATTACH):
            result = run(lab, *command)
            assert result.returncode and len(result.stderr.splitlines()) == 1, result.stderr
            assert "symlink" in result.stderr
    path.unlink()
    (home(lab) / "moved").rename(path)
    assert run(lab, "detach", "--all").returncode == 0


RACER = """
import ctypes, os, struct, sys
uid, root, precious, pins = int(sys.argv[1]), *sys.argv[2:]
os.setgid(uid), os.setuid(uid)
libc = ctypes.CDLL(None)
fd = libc.inotify_init1(0)
event = struct.Struct("iIII")
watched = {}
def watch(path):
    number = libc.inotify_add_watch(fd, path.encode(), 0x3C0)  # moved from and to, create, delete
    if number >= 0:
        watched[number] = path
def swap(path):
    try:
        os.rename(path, path + "_gone")
    except OSError:
        return
    try:
        os.symlink(precious, path)
    except OSError:
        pass
def prepare():
    for make in (lambda: os.mkdir(root, 0o700), lambda: os.symlink(precious, root)):
        try:
            make()
        except OSError:
            pass
watch(os.path.dirname(root))
if os.path.isdir(root):
    watch(root)
print("ready", flush=True)
turn = 0
while True:
    if uid == 65534:
        prepare()
    data, offset = os.read(fd, 65536), 0
    while offset < len(data):
        number, mask, _, length = event.unpack_from(data, offset)
        name = data[offset + event.size : offset + event.size + length].rstrip(bytes(1)).decode()
        offset += event.size + length
        path = os.path.join(watched.get(number, "/nowhere"), name)
        if "_gone" in name or not mask & 0x180:
            continue
        turn += 1
        if turn % 3 == 0 and path != root:
            swap(path)
        elif os.path.isdir(path):
            watch(path)
"""


@contextmanager
def racer(uid: int, precious: Path) -> Iterator[None]:
    """A user who hears of each thing made in our folder, and exchanges it for a symlink to root's files."""
    command = [sys.executable, "-c", RACER, str(uid), str(ROOT), str(precious), str(BPFFS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            process.send_signal(signal.SIGKILL)


def attempt(lab: Lab, number: int) -> None:
    """Attach and detach, however it ends; now and then by the commands themselves."""
    if number % (TRIES // REAL_TRIES) == 0:
        for command in (ATTACH, ("detach", "--all")):
            result = run(lab, *command)
            assert result.returncode in (0, 1, 3, 4), result.stderr
            assert len(result.stderr.splitlines()) <= 1, result.stderr
        process = start(lab, "run", "eth0", "--any-bus", "--metrics-listen", "none")
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=1)
        process.terminate()
        process.communicate()
        return
    with suppress(NetvscBpfError):
        lab.in_guest(datapath.attach, "eth0", AttachOptions(vf="vf0", settle_ms=10))
    with suppress(NetvscBpfError):
        lab.in_guest(datapath.detach_all)


@contextmanager
def loaded_once(lab: Lab) -> Iterator[Callable[..., int]]:
    """Load once; give a child that makes the folders and pins of the real one, of what was loaded then."""
    state(run(lab, *ATTACH))
    folder = home(lab) / "object"
    kept = {path.relative_to(folder): pin_files.get(path) for path in folder.rglob("*") if path.is_file()}
    assert run(lab, "detach", "--all").returncode == 0

    def load(target: Path, *_: object, **__: object) -> int:
        for made in (target, *(target / name for name in ("programs", "sentinel", "maps"))):
            pin_files.make_folder(made)
        for name, fd in kept.items():
            pin_files.pin(fd, target / name)
        return 1

    try:
        yield load
    finally:
        for fd in kept.values():
            os.close(fd)


@pytest.mark.parametrize("uid", [OUTSIDER, UID], ids=["outsider", "service"])
def test_s73_racing_user_gains_no_object_of_root(
    lab: Lab, precious: Path, uid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 attempts against a user who replaces what root creates. The service's user owns the folder.

    Compiling is what takes long, and is the same each time: the library is called with a loader that makes
    the folders and pins of the real one.
    """
    with loaded_once(lab) as load:
        monkeypatch.setattr("netvsc_bpf.kernel.compile.load_object.load_build", load)
        race(lab, precious, uid)


def race(lab: Lab, precious: Path, uid: int) -> None:
    if uid == UID:
        ROOT.mkdir(0o700)
        os.chown(ROOT, UID, UID)
    with untouched(precious):
        before = BPFFS.stat()
        with racer(uid, precious):
            for number in range(TRIES):
                attempt(lab, number)
        assert (BPFFS.stat().st_uid, BPFFS.stat().st_mode) == (before.st_uid, before.st_mode)
        his = [path for path in BPFFS.rglob("*") if path.lstat().st_uid == OUTSIDER and path.is_file()]
        assert not [path for path in his if not path.is_symlink()], "no pin is the outsider's"
