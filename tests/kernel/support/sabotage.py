# SPDX-License-Identifier: GPL-2.0-only
"""Code of a test's own in the process that compiles."""

from pathlib import Path

from netvsc_bpf.kernel import compile_child


def sabotage(folder: Path, code: str) -> dict[str, str]:
    """Return an environment in which the compiler's process, and no other, runs ``code`` as it starts.

    None of it reaches that process by itself: the command is what is changed, as to how it starts it.
    """
    start = compile_child.START.replace("; ", "\n").replace("from netvsc", f"{code}\nfrom netvsc")
    text = f"from netvsc_bpf.kernel import compile_child\ncompile_child.START = {start!r}\n"
    (folder / "sitecustomize.py").write_text(text)
    return {"PYTHONPATH": str(folder)}
