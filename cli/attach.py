# SPDX-License-Identifier: GPL-2.0-only
"""netvsc-bpf attach."""

import sys
from collections.abc import Collection, Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import click
from netvsc_bpf.cli.complete import interfaces
from netvsc_bpf.cli.output import best_effort
from netvsc_bpf.cli.render import import_for_status, print_status

import netvsc_bpf
from netvsc_bpf.datapath.options import DEFAULT_SETTLE_MS, MAX_SETTLE_MS, MIN_SETTLE_MS, AttachOptions
from netvsc_bpf.kernel.process.stdio import say
from netvsc_bpf.model.errors import NetvscBpfError
from netvsc_bpf.model.path import GuardMode, Liveness, ReturnPolicy, RxMode, XdpPolicy

if TYPE_CHECKING:
    from netvsc_bpf.kernel.compile.child_process import CompileChild

_LONG_MS = 2000
"""A wait for the VF to settle that is at least this long is announced on stderr."""


_AUTO = "auto"
_Kind = TypeVar("_Kind", bound=str)


def _chosen(kind: type[_Kind], word: str | None) -> _Kind | None:
    return None if word in (None, _AUTO) else kind(word)


def _choices(kind: type[StrEnum]) -> list[str]:
    """Return the values of an enum; given the enum itself, click would offer the names of its members."""
    return [_AUTO, *(member.value for member in kind)]


@click.command()
@click.argument("interface", metavar="[IFACE]", required=False, shell_complete=interfaces)
@click.option(
    "--all", "everything", is_flag=True, help="Attach every synthetic NIC in this network namespace."
)
@click.option(
    "--vf",
    metavar="NAME",
    help="Use this VF; needed if its MAC does not identify it or it is not a PCI device. "
    "`auto` finds it again.",
)
@click.option(
    "--any-bus/--no-any-bus", default=None, help="Also accept VFs that are not PCI devices, or not any more."
)
@click.option(
    "--settle",
    metavar="MS",
    type=click.IntRange(MIN_SETTLE_MS, MAX_SETTLE_MS),
    help="How long a VF must have been up with carrier before it is used, in ms. "
    f"[default: {DEFAULT_SETTLE_MS} for a new pair]",
)
@click.option(
    "--rx",
    type=click.Choice(_choices(RxMode)),
    help="How VF ingress reaches the synthetic NIC: redirected by home, or delivered by the kernel's driver.",
)
@click.option(
    "--guard",
    type=click.Choice(_choices(GuardMode)),
    help="Which frames to drop as copies that a switch has delivered to both NICs.",
)
@click.option(
    "--liveness",
    type=click.Choice(_choices(Liveness)),
    default=_AUTO,
    help="How a failed VF is detected; `netlink` needs a running manager.",
)
@click.option(
    "--xdp",
    type=click.Choice([policy.value for policy in XdpPolicy]),
    help="If IFACE runs an XDP program and its VF does not: use the VF and warn, or require one on the VF. "
    f"[default: {XdpPolicy.WARN}]",
)
@click.option(
    "--return",
    "return_",
    type=click.Choice([policy.value for policy in ReturnPolicy]),
    help="Use a VF that failed again by itself, or only after `undrain` or `undamp`. "
    f"[default: {ReturnPolicy.AUTO}]",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, step by step, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the state, or the steps, as JSON.")
def attach(
    interface: str | None,
    everything: bool,
    vf: str | None,
    any_bus: bool | None,
    settle: int | None,
    rx: str | None,
    guard: str | None,
    liveness: str,
    xdp: str | None,
    return_: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Steer the traffic of IFACE through its VF. The data path stays in place when this command returns.

    What --vf, --any-bus, --settle, --rx, --guard, --xdp and --return choose is kept for the pair until
    `detach`: by later attaches that leave the option out, and by `run`, unless its command line or the
    section [interface.IFACE] of its configuration file sets it. `auto` takes a choice back; `--return auto`
    is a choice itself, and ends the wait for an operator.
    """
    if everything == (interface is not None):
        raise click.UsageError("name one interface, or --all")
    if everything and vf is not None:
        raise click.UsageError("--vf names the VF of one interface, not of --all")
    said = {"vf": vf, "any_bus": any_bus, "settle_ms": settle, "rx": rx, "guard": guard, "xdp": xdp}
    said["return_"] = return_
    given = frozenset(name for name, value in said.items() if value is not None)
    options = AttachOptions(
        vf=_chosen(str, vf),
        any_bus=bool(any_bus),
        settle_ms=DEFAULT_SETTLE_MS if settle is None else settle,
        rx=_chosen(RxMode, rx),
        guard=_chosen(GuardMode, guard),
        liveness=_chosen(Liveness, liveness),
        xdp=_chosen(XdpPolicy, xdp) or XdpPolicy.WARN,
        return_=ReturnPolicy(return_ or ReturnPolicy.AUTO),
    )
    if dry_run:
        _plan(interface, options, given, as_json=as_json)
        return
    from netvsc_bpf.kernel.compile.child_process import started_early

    with started_early(partial(import_for_status, as_json=as_json)) as early:
        _attach(interface, options, given, early, as_json=as_json)


def _plan(interface: str | None, options: AttachOptions, given: Collection[str], *, as_json: bool) -> None:
    from netvsc_bpf.cli.plan import print_plan

    preview, errors = netvsc_bpf.plan_attach(interface, options, given)
    print_plan(preview, as_json=as_json)
    _end(errors)


def _end(errors: Sequence[NetvscBpfError]) -> None:
    """Report the errors of single pairs; the first one is the exit status."""
    for error in errors:
        say(str(error))
    if errors:
        sys.exit(errors[0].exit_code)


def _settle_ms(options: AttachOptions, given: Collection[str]) -> int:
    """Return the longest settle time that is waited for: without --settle a pair keeps its own."""
    if "settle_ms" in given:
        return options.settle_ms
    return max((pair.settle_ms or 0 for pair in netvsc_bpf.status()), default=0)


def _attach(
    interface: str | None,
    options: AttachOptions,
    given: Collection[str],
    early: "CompileChild | None",
    *,
    as_json: bool,
) -> None:
    attached: list[str] = []

    def waits(interfaces: Sequence[str]) -> None:
        attached.extend(interfaces)
        if (settle_ms := _settle_ms(options, given)) >= _LONG_MS:
            say(
                f"{', '.join(attached)}: attached; waiting up to {settle_ms / 1000:g} s "
                "for the VF to settle (Ctrl-C stops waiting; the pair stays attached)"
            )

    errors: list[NetvscBpfError] = []
    try:
        if interface is not None:
            done = [netvsc_bpf.attach(interface, options, waits, early, given)]
        else:
            done, errors = netvsc_bpf.attach_all(options, waits, early, given)
    except KeyboardInterrupt:
        if attached:
            undo = f"netvsc-bpf detach {interface or '--all'}"
            say(f"{', '.join(attached)}: stopped waiting; still attached (to detach: {undo})")
        raise
    for one in done:
        for refusal in one.refusals:
            say(f"{refusal.nic.name} is not used: {refusal.reason}")
        for warning in one.warnings:
            say(warning)
    with best_effort():
        print_status([one.status for one in done], as_json=as_json)
    _end(errors)
