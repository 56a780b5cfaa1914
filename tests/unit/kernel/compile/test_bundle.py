# SPDX-License-Identifier: GPL-2.0-only
"""Many sources become one text: nothing twice, nothing lost, and errors still name the real line."""

import re
from pathlib import Path

from netvsc_bpf.kernel.compile.bundle import bundle, sources_dir, sources_of
from netvsc_bpf.model.path import Liveness

LINE = re.compile(r'^#line (\d+) "([^"]+)"$')


def origins(text: str) -> list[tuple[str, int, str]]:
    """Return file, line number and text of each line, as the compiler would name it."""
    name, number, found = "", 0, []
    for line in text.splitlines():
        mark = LINE.match(line)
        if mark:
            number, name = int(mark[1]), mark[2]
        else:
            found.append((name, number, line))
            number += 1
    return found


def test_header_of_two_sources_comes_once(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text('#include "h.h"\nint a;\n')
    (tmp_path / "b.c").write_text('#include "h.h"\nint b;\n')
    (tmp_path / "h.h").write_text("int h;\n")
    text = bundle(tmp_path, ("a.c", "b.c"))
    assert [line for _, _, line in origins(text) if line.startswith("int")] == ["int h;", "int a;", "int b;"]


def test_lines_keep_their_file_and_number(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text('int one;\n#include "h.h"\nint three;\n#include "h.h"\nint five;\n')
    (tmp_path / "h.h").write_text("int h1;\nint h2;\n")
    places = {line: (name, number) for name, number, line in origins(bundle(tmp_path, ("a.c",)))}
    assert places["int one;"] == ("a.c", 1)
    assert places["int h2;"] == ("h.h", 2)
    assert places["int three;"] == ("a.c", 3)
    assert places["int five;"] == ("a.c", 5)


def test_headers_of_the_system_stay_includes(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("#include <linux/types.h>\n")
    assert "#include <linux/types.h>" in bundle(tmp_path, ("a.c",)).splitlines()


def test_every_line_of_our_own_sources_is_where_it_says() -> None:
    folder = sources_dir()
    seen = set()
    text = bundle(folder, sources_of(Liveness.FENTRY))
    for name, number, line in origins(text):
        if name:
            lines = (folder / name).read_text().splitlines()
            seen.add(name)
            # A header that came before leaves an empty line.
            assert line in ("", lines[number - 1]), (name, number)
    assert seen == {path.name for path in (*folder.glob("*.c"), *folder.glob("*.h"))}
    assert '#include "' not in text
