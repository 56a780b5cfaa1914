# SPDX-License-Identifier: GPL-2.0-only
"""The exit statuses of each command, for the end of its --help. CONTRACT: a status keeps its meaning."""

_DONE = (0, "done")
_FAILED = (1, "failed: one line on stderr says what, why, and what to do")
_USAGE = (2, "wrong usage")
_USAGE_OR_FILE = (2, "wrong usage, or a mistake in the configuration file")
_REFUSED = (
    3,
    "refused: no such NIC, not attached, an ambiguous pairing, a VF or a hook in use elsewhere, "
    "another netvsc-bpf at work",
)
_CANNOT = (4, "not possible on this kernel or machine: a capability, bpffs, BTF, bcc or a tool is missing")
_INTERRUPTED = (130, "ended by Ctrl-C")

_USUAL = (_DONE, _FAILED, _USAGE, _REFUSED, _CANNOT, _INTERRUPTED)
_OTHERS = {
    "config check": ((0, "no mistakes"), _FAILED, (2, "mistakes, or wrong usage"), _INTERRUPTED),
    "demo": (
        _DONE,
        (1, "failed, packets were lost that should not have been, or something was left behind"),
        _USAGE,
        _CANNOT,
        _INTERRUPTED,
    ),
    "doctor": (
        (0, "attach can work, perhaps with warnings"),
        _FAILED,
        _USAGE,
        (4, "attach cannot work: a finding is a problem"),
        _INTERRUPTED,
    ),
    "plan": (_DONE, _FAILED, _USAGE_OR_FILE, _REFUSED, _CANNOT, _INTERRUPTED),
    "run": (
        (0, "ended by SIGTERM"),
        _FAILED,
        _USAGE_OR_FILE,
        (3, "refused: a manager runs here already, or attach would refuse a configured interface"),
        _CANNOT,
        _INTERRUPTED,
    ),
}


def exit_statuses(command: str) -> list[tuple[int, str]]:
    """Return the exit statuses of a command, such as `config check`, and what they mean."""
    return list(_OTHERS.get(command, _USUAL))


def epilog(command: str) -> str:
    """Return the end of the command's --help; click keeps the lines after the mark as they are."""
    lines = [f"{status:>3}  {meaning}" for status, meaning in exit_statuses(command)]
    return "\n".join(["\b", "Exit status:", *(f"  {line}" for line in lines)])
