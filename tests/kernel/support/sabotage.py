# SPDX-License-Identifier: GPL-2.0-only
"""Code of a test's own in the process that compiles."""

from pathlib import Path

from netvsc_bpf.kernel.compile import child_environment


def sabotage(folder: Path, code: str) -> dict[str, str]:
    """Return an environment in which the compiler's process, and no other, runs ``code`` as it starts.

    None of it reaches that process by itself: the command is what is changed, as to how it starts it.
    """
    start = child_environment.START.replace("; ", "\n").replace("from netvsc", f"{code}\nfrom netvsc")
    text = f"from netvsc_bpf.kernel.compile import child_environment\nchild_environment.START = {start!r}\n"
    (folder / "sitecustomize.py").write_text(text)
    return {"PYTHONPATH": str(folder)}
