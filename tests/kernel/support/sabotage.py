# SPDX-License-Identifier: GPL-2.0-only
"""Code of a test's own in the process that compiles, or in the command that has it compile."""

from pathlib import Path

from netvsc_bpf.kernel.compile import child_environment


def sabotage(folder: Path, code: str) -> dict[str, str]:
    """Return an environment in which the compiler's process, and no other, runs ``code`` as it starts.

    None of it reaches that process by itself: the command is what is changed, as to how it starts it. The
    cache is empty, so that there is something to compile, and what comes of it is kept nowhere else.
    """
    start = child_environment.START.replace("; ", "\n").replace("from netvsc", f"{code}\nfrom netvsc")
    text = f"from netvsc_bpf.kernel.compile import child_environment\nchild_environment.START = {start!r}\n"
    return sabotage_command(folder, text)


def sabotage_command(folder: Path, code: str) -> dict[str, str]:
    """Return an environment in which the command itself runs ``code`` as it starts, with an empty cache."""
    (folder / "sitecustomize.py").write_text(code)
    cache = folder / "cache"
    cache.mkdir()
    return {"PYTHONPATH": str(folder), "CACHE_DIRECTORY": str(cache)}
