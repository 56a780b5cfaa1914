# SPDX-License-Identifier: GPL-2.0-only
"""scripts/normal_sdist.py: what made an archive leaves no trace in it, and its files stay as they are."""

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

from tests.module_at import module_at

REPO = Path(__file__).resolve().parents[3]
NORMALISED = module_at(REPO / "scripts" / "normal_sdist.py").normalised
EPOCH = 1_700_000_000


def archive(names: Sequence[str], time: int, owner: int, mask: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            content = b"" if name.endswith("/") else name.encode()
            member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            member.size, member.mtime, member.uid, member.uname = len(content), time, owner, f"user{owner}"
            member.mode = (0o777 if name.endswith(("/", ".sh")) else 0o666) & ~mask
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def test_time_owner_mask_and_order_leave_no_trace() -> None:
    one = archive(["p/", "p/a.py", "p/b.sh"], time=1, owner=0, mask=0o022)
    two = archive(["p/", "p/b.sh", "p/a.py"], time=2, owner=1000, mask=0o077)
    assert one != two
    assert NORMALISED(one, EPOCH) == NORMALISED(two, EPOCH)
    assert NORMALISED(one, EPOCH) != NORMALISED(one, EPOCH + 1)


def test_files_stay_as_they_are() -> None:
    made = NORMALISED(archive(["p/", "p/a.py", "p/b.sh"], time=1, owner=7, mask=0o077), EPOCH)
    with tarfile.open(fileobj=io.BytesIO(made)) as tar:
        found = {one.name: (one.mode, one.mtime, one.uid, one.uname) for one in tar.getmembers()}
        held = {name: file.read() for name in found if (file := tar.extractfile(name))}
    assert held == {"p/a.py": b"p/a.py", "p/b.sh": b"p/b.sh"}
    assert found == {
        "p": (0o755, EPOCH, 0, ""),
        "p/a.py": (0o644, EPOCH, 0, ""),
        "p/b.sh": (0o755, EPOCH, 0, ""),
    }
