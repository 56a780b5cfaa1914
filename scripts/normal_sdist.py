# SPDX-License-Identifier: GPL-2.0-only
"""Rewrites a source archive so that its bytes depend on its files alone.

setuptools stamps each archive with the time, the owner and the order of files of the machine that made it.
Here every member gets the time SOURCE_DATE_EPOCH, no owner, mode 0644 or 0755, and its place by name.

Usage: SOURCE_DATE_EPOCH=SECONDS normal_sdist.py ARCHIVE.tar.gz
"""

import gzip
import io
import os
import sys
import tarfile
from pathlib import Path


def normalised(archive: bytes, epoch: int) -> bytes:
    """Return the same files as a .tar.gz with this time everywhere (Unix time in seconds)."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as source,
        # No file name in the header of gzip, and this time in it.
        gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=epoch) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in sorted(source.getmembers(), key=lambda one: one.name):
            member.mtime = epoch
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            target.addfile(member, source.extractfile(member) if member.isfile() else None)
    return packed.getvalue()


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_bytes(normalised(path.read_bytes(), int(os.environ["SOURCE_DATE_EPOCH"])))
