# SPDX-License-Identifier: GPL-2.0-only
"""What is written about the keys: docs/configuration.md and deploy/netvsc-bpf.toml.

`python -m netvsc_bpf.config.reference docs/configuration.md deploy/netvsc-bpf.toml` writes both anew; a test
compares.
"""

import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

from netvsc_bpf.config.keys import Key
from netvsc_bpf.config.sections import INTERFACE, meaning, sections

_PAGE = """\
# Configuration

For operators: every key of the manager's configuration file. [examples/](../examples/README.md) has a
minimal and a full file.

`netvsc-bpf run --config FILE` reads a TOML file. Every key is optional; options on the command line win
over the file. A key that is unknown, of another type, out of range or in contradiction to another one is
refused with `FILE:LINE: reason` and exit status 2. [deploy/netvsc-bpf.toml](../deploy/netvsc-bpf.toml) has
every key with its default.

SIGHUP (`systemctl reload netvsc-bpf`) reads the file again. If it has a mistake, the line is logged and the
old configuration stays in force. Otherwise changes take effect without releasing a VF that still fits; an
interface that is no longer listed stays attached and is not managed any more. A key marked ¹ needs a
restart; that is logged too.

The figures of damping are explained in [damping.md](damping.md).

<!-- Written by netvsc_bpf/config/reference.py from the dataclasses; change those. -->
"""
_EXAMPLE = """\
# SPDX-License-Identifier: GPL-2.0-only
#
# netvsc-bpf run --config FILE. Every key stands here with its default; leave out what you do not change.
# A key that is commented out has no value by default.
#
# netvsc-bpf checks the file when it starts and on SIGHUP, and names the line that it cannot use.
"""


def page() -> str:
    """Return the text of docs/configuration.md."""
    parts = [_PAGE]
    for name, keys in sections().items():
        title = f"{name}.NAME" if name == INTERFACE else name
        rows = [_row(key, shown=name != INTERFACE) for key in keys.values()]
        table = ["| key | takes | default | |", "|---|---|---|---|", *rows]
        parts.append(f"## [{title}]\n\n{meaning(name)}\n\n" + "\n".join(table) + "\n")
    return "\n".join(parts)


def example() -> str:
    """Return the text of deploy/netvsc-bpf.toml."""
    parts = [_EXAMPLE]
    for name, keys in sections().items():
        title = f"# [{name}.eth0]" if name == INTERFACE else f"[{name}]"
        parts.append(_comment(meaning(name)) + f"\n{title}\n" + _entries(name, keys))
    return "\n".join(parts)


def _row(key: Key, *, shown: bool) -> str:
    mark = "" if key.setting.live else " ¹"
    default = f"`{key.default_toml}`" if shown and has_default(key) else ""
    return f"| `{key.name}`{mark} | {key.takes} | {default} | {key.setting.text} |"


def _entries(section: str, keys: Mapping[str, Key]) -> str:
    lines = []
    for key in keys.values():
        active = section != INTERFACE and has_default(key)
        value = key.default_toml if key.default is not None or key.is_choice or key.takes_auto else '"..."'
        if section != INTERFACE:
            lines.append(_comment(f"{key.setting.text} Takes {key.takes}."))
        lines.append(f"{'' if active else '# '}{key.name} = {value}")
    return "\n".join(lines) + "\n"


def has_default(key: Key) -> bool:
    """Return whether leaving the key out and giving the default are the same."""
    return key.name != "settle_ms" and (key.default is not None or key.is_choice or key.takes_auto)


def _comment(text: str) -> str:
    return textwrap.fill(text, 110, initial_indent="# ", subsequent_indent="# ")


def main(page_path: str, example_path: str) -> None:
    """Write both files."""
    Path(page_path).write_text(page(), encoding="utf-8")
    Path(example_path).write_text(example(), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
