# SPDX-License-Identifier: GPL-2.0-only
"""The functions that `import netvsc_bpf` offers. The command line uses nothing else for these.

They work on the network namespace of the calling thread and need the capabilities that the commands need
(CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON). They keep no state: several processes may use them at once, and a
second one waits for the first, for up to ten seconds. Every error is a NetvscBpfError with `what`, `why`,
`remedy` and the `exit_code` of the command; a call that fails undoes what it has begun.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from netvsc_bpf import datapath
from netvsc_bpf.datapath.options import AttachOptions, not_default
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.status import PairStatus

if TYPE_CHECKING:
    from netvsc_bpf.datapath.attach_pair import Attached
    from netvsc_bpf.kernel.compile.child_process import CompileChild
    from netvsc_bpf.planner.preview import Preview

Record = dict[str, Any]
"""An event, in the shape of docs/events.md."""


def _ignore(_: Any) -> None:
    pass


def attach(
    interface: str,
    options: AttachOptions | None = None,
    waits: Callable[[Sequence[str]], None] = _ignore,
    early: "CompileChild | None" = None,
    given: Collection[str] | None = None,
) -> "Attached":
    """Attach one synthetic NIC, and wait once for its VF to settle.

    `waits` is called with the names of the attached NICs when the wait begins. `early` is a compiler that was
    started before (`kernel.compile.child_process.started_early`); without it one is started when needed.
    `given` are the names of the options that count, by default those that differ from their defaults. They
    are kept for this pair, by later attaches and by the manager. Attaching a pair again loads the programs of
    this version. Raises Refused, CannotHere and their subclasses, KernelError.
    """
    asked = _Asked(options, given)
    attached = datapath.attach(interface, asked.options, waits, early, asked.given, _held)
    return asked.confirmed([attached])[0]


def attach_all(
    options: AttachOptions | None = None,
    waits: Callable[[Sequence[str]], None] = _ignore,
    early: "CompileChild | None" = None,
    given: Collection[str] | None = None,
) -> "tuple[list[Attached], list[NetvscBpfError]]":
    """Attach every synthetic NIC. A failure affects its own pair only; the errors are returned."""
    asked = _Asked(options, given)
    attached, errors = datapath.attach_all(asked.options, waits, early, asked.given, _held)
    return asked.confirmed(attached), errors


def plan_attach(
    interface: str | None = None,
    options: AttachOptions | None = None,
    given: Collection[str] | None = None,
) -> "tuple[Preview, list[NetvscBpfError]]":
    """Return what attach(), or without an interface attach_all(), would do now, and change nothing.

    Raises what attach() would raise before it changes anything; with attach_all() errors of single pairs are
    returned.
    """
    from netvsc_bpf.manager.preview import preview_attach

    asked = _Asked(options, given)
    return preview_attach(interface, asked.options, asked.given)


class _Asked:
    """The options of an attach, and which of them count."""

    def __init__(self, options: AttachOptions | None, given: Collection[str] | None) -> None:
        self.options = options or AttachOptions()
        self.given = not_default(self.options) if given is None else given

    def confirmed(self, attached: "Sequence[Attached]") -> "list[Attached]":
        """Return the result, once a running manager has reconciled it."""
        from netvsc_bpf.manager.events.after_attach import confirmed

        return confirmed(attached, self.options, self.given)


def _held() -> Collection[int]:
    from netvsc_bpf.manager.events.manager_outlook import held_back

    return held_back().keys()


def detach(interface: str) -> None:
    """Detach one synthetic NIC and restore the settings of its VF.

    Raises Busy while a manager runs, which would attach it again; NoSuchNic, NotAttached, KernelError.
    """
    from netvsc_bpf.manager.events.claim import refuse_while_managed

    refuse_while_managed(f"cannot detach {interface}")
    datapath.detach(interface)


def detach_all() -> tuple[int, list[str]]:
    """Detach every pair; return their number, and warnings. Raises Busy while a manager runs, KernelError."""
    from netvsc_bpf.manager.events.claim import refuse_while_managed

    refuse_while_managed("cannot detach all")
    return datapath.detach_all()


def status(interface: str | None = None) -> list[PairStatus]:
    """Return the state of one attached pair, or of all: path, reason, counters (docs/json.md has the units).

    Raises NoSuchNic, NotAttached, ForeignLayout, BpffsUnavailable, MissingCapability.
    """
    from netvsc_bpf.manager.events.manager_outlook import with_outlook

    return with_outlook(datapath.status(interface))


def drain(interface: str, for_s: float | None = None, why: str = "") -> list[str]:
    """Move both directions to the synthetic path and keep the VF out of use until undrain(); return warnings.

    `for_s` seconds later a running manager ends the drain. `why` is kept for `status` and events, up to
    model.drain.MAX_WHY_BYTES. Draining a pair again changes both. Raises NoSuchNic, NotAttached, Refused,
    KernelError.
    """
    from netvsc_bpf.manager.events.running_manager import RunningManager

    return datapath.drain(interface, for_s, why, RunningManager())


def undrain(interface: str) -> list[str]:
    """End a drain, or allow the return of a VF that failed (return policy `manual`).

    The VF is used again after its settle time. Return warnings. Raises as drain() does.
    """
    from netvsc_bpf.manager.events.running_manager import RunningManager

    return datapath.undrain(interface, RunningManager())


def undrain_all() -> tuple[list[str], list[NetvscBpfError]]:
    """End the drains of all pairs; return warnings, and the errors of the pairs that failed."""
    from netvsc_bpf.manager.events.running_manager import RunningManager

    return datapath.undrain_all(RunningManager())


def undamp(interface: str) -> list[str]:
    """Use a VF again now that is damped, held or waits for an operator, because it failed; a drain stays.

    A running manager forgets its failures. Return warnings. Raises as drain() does.
    """
    from netvsc_bpf.manager.events.running_manager import RunningManager

    return datapath.undamp(interface, RunningManager())


def events(
    *,
    follow: bool = False,
    note: Callable[[str], None] = _ignore,
    interface: str | None = None,
    since: datetime | None = None,
    last: int | None = None,
) -> Iterator[list[Record]]:
    """Yield events in batches, in the order of time: those that are known, and with `follow` those to come.

    With `follow` it never ends; a batch may be empty and comes at least once a second, so that the caller can
    stop. They come from the running manager, or without one from the kernel's record of path changes. `note`
    is called with what a reader has to know of their source. `interface` selects those of one interface, or
    of the `manager`, `since` those from a time (aware) on, `last` so many of the known ones. Raises
    BpffsUnavailable, ForeignLayout, MissingCapability, NoSuchNic, Refused.
    """
    from netvsc_bpf.manager.events.history import History
    from netvsc_bpf.manager.events.selection import selected

    if follow:
        with History(note) as history:
            yield from selected(history.follow(), interface, since, last)
        return
    notes: list[str] = []
    with History(notes.append) as history:
        # An interface that there is not is refused before anything is said of the source.
        batches = list(selected(iter([history.recent()]), interface, since, last))
    for text in notes:
        note(text)
    yield from batches
