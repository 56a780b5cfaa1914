# SPDX-License-Identifier: GPL-2.0-only
"""The contenders: netvsc-bpf with and without its manager, at each liveness level, and the alternatives.

Each is set up as its documents say (arrangements.py), uses the VF first, and says what its user does when
the VF comes back as another network device.
"""

import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial

from bench.guest import arrangements, names
from bench.guest.shell import sh
from bench.guest.twin import SYNTHETIC_NAME, VF_NAME, Twin
from bench.managed import UNDAMPED
from netvsc_bpf import datapath
from netvsc_bpf.datapath import AttachOptions
from netvsc_bpf.datapath.slots import find_pair_slot
from netvsc_bpf.kernel.bpf.loaded_object import LoadedObject
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.process import namespaces
from netvsc_bpf.model.path import GuardMode, Liveness
from netvsc_bpf.model.path import Path as WayOut
from tests.kernel.support.manager import Manager, managers
from tests.vm.devices import HYPERV_MAC, STANDBY_MAC, SYNTHETIC_MAC
from tests.vm.sriov import ADDRESS

SETTLE_MS = 100


def _nothing(_: Twin) -> None:
    pass


@dataclass(frozen=True)
class InUse:
    """An arrangement that stands."""

    device: str
    """Where the pair's address is."""
    other: str | None
    """The device that carries packets while the VF does not; None: there is none."""
    take_in: Callable[[Twin], None] = field(default=_nothing)
    """What its user does when the VF is there again as another network device."""
    watch: Callable[[Twin], None] = field(default=_nothing)
    """Done once the VF is used again."""
    path_changes: Callable[[], int] = field(default=int)
    """Ours: how often the kernel has changed the path, by its own account."""


@dataclass(frozen=True)
class Contender:
    """One of them: a with block that begins with the VF plugged in."""

    stand: Callable[[Twin], AbstractContextManager[InUse]]
    mac: str = SYNTHETIC_MAC
    renames: bool = True


@contextmanager
def _ours(
    twin: Twin, *, liveness: Liveness, end: signal.Signals | None, guard: GuardMode = GuardMode.ALL
) -> Iterator[InUse]:
    """With a manager that is running (None), was killed, or is stopped, before anything fails.

    ``guard`` is for the fabric: a hub gives every frame to both NICs.
    """
    attach = f'[attach]\nguard = "{guard}"\nliveness = "{liveness}"\n'
    config = f'{UNDAMPED}\n{attach}[metrics]\nlisten = "none"\n'
    with ExitStack() as undo:
        file = undo.enter_context(tempfile.NamedTemporaryFile("w", suffix=".toml"))
        file.write(config)
        file.flush()
        start = undo.enter_context(managers(twin.sriov))
        manager: Manager = start(SYNTHETIC_NAME, "--settle", str(SETTLE_MS), "--config", file.name)
        manager.wait_path(WayOut.VF)
        chosen = datapath.status(SYNTHETIC_NAME)[0].liveness
        if chosen is not liveness:
            raise RuntimeError(f"the liveness level is {chosen}")
        take_in = watch = _nothing
        if end is signal.SIGKILL:
            manager.kill()
            options = AttachOptions(guard=guard, settle_ms=SETTLE_MS, liveness=liveness)
            take_in = lambda _: datapath.attach(SYNTHETIC_NAME, options) and None  # noqa: E731
        elif end is signal.SIGSTOP:
            manager.process.send_signal(signal.SIGSTOP)
            undo.callback(manager.process.send_signal, signal.SIGCONT)
            take_in = lambda _: manager.process.send_signal(signal.SIGCONT)  # noqa: E731
            watch = lambda _: manager.process.send_signal(signal.SIGSTOP)  # noqa: E731
        yield InUse(SYNTHETIC_NAME, SYNTHETIC_NAME, take_in, watch, _changes(undo))


def _changes(undo: ExitStack) -> Callable[[], int]:
    loaded = undo.enter_context(closing(LoadedObject(NetnsPins(namespaces.current_inode()))))
    slot = find_pair_slot(loaded, socket.if_nametoindex(SYNTHETIC_NAME))
    if slot is None:
        raise LookupError("the pair is not attached")
    return lambda: sum(map(sum, loaded.pair(slot).changes))


@contextmanager
def _bonding(_: Twin, *, options: str) -> Iterator[InUse]:
    """`primary` brings it back to the VF; a VF that is another device is enslaved by a rule of udev's."""
    with arrangements.bonding(options) as device:
        yield InUse(device, SYNTHETIC_NAME, lambda _: sh(f"ip link set {VF_NAME} master {device}"))


@contextmanager
def _team(_: Twin) -> Iterator[InUse]:
    """A port that was removed is added again, with its priority: teamd does neither.

    teamd 1.31 stays on the other port all the same ("Failed to remove port"); then it is set up anew.
    """
    with arrangements.team() as device:
        yield InUse(
            device,
            SYNTHETIC_NAME,
            lambda _: sh(
                f"teamdctl {device} port add {VF_NAME}",
                f"teamdctl {device} port config update {VF_NAME} '{{\"prio\": 100}}'",
            ),
        )


@contextmanager
def _mirred(_: Twin) -> Iterator[InUse]:
    """A script with tc rules: they name the VF by ifindex, so they are made anew for a new one."""

    def anew(_: Twin) -> None:
        sh(f"tc qdisc del dev {SYNTHETIC_NAME} clsact", f"ip link set {VF_NAME} up")
        arrangements.add_mirred_rules()

    with arrangements.mirred() as device:
        sh(f"ip link set {VF_NAME} up")
        yield InUse(device, None, anew)


@contextmanager
def _bare(_: Twin) -> Iterator[InUse]:
    with arrangements.bare() as device:
        sh(f"ip link set {device} up")
        yield InUse(
            device,
            None,
            lambda _: sh(f"ip link set {device} up", f"ip addr replace {ADDRESS}/24 dev {device}"),
        )


@contextmanager
def _net_failover(_: Twin) -> Iterator[InUse]:
    """The driver of a virtio NIC with VIRTIO_NET_F_STANDBY took the VF in by its MAC; nothing is set up."""
    device, standby = arrangements.net_failover_devices()
    with arrangements.net_failover():
        try:
            yield InUse(device, standby)
        finally:
            sh(f"ip addr flush dev {device}")


@contextmanager
def _hv_netvsc(_: Twin) -> Iterator[InUse]:
    """The driver takes in a VF that its host has associated; nothing is set up."""
    yield InUse(SYNTHETIC_NAME, SYNTHETIC_NAME)


def _on_hv_netvsc(end: signal.Signals | None) -> Contender:
    """Return ours on top of it. Its host gives each frame to one path, so that nothing has to be guarded."""
    stand = partial(_ours, liveness=Liveness.FENTRY, end=end, guard=GuardMode.OFF)
    return Contender(stand, HYPERV_MAC, renames=False)


def _variant(liveness: Liveness, end: signal.Signals | None) -> Contender:
    return Contender(partial(_ours, liveness=liveness, end=end), renames=False)


_TUNED = "miimon 10 updelay 200 primary vf0 fail_over_mac active num_grat_arp 5"
CONTENDERS = {
    names.OURS: _variant(Liveness.FENTRY, signal.SIGKILL),
    names.OURS_RUNNING: _variant(Liveness.FENTRY, None),
    names.OURS_STOPPED: _variant(Liveness.FENTRY, signal.SIGSTOP),
    names.OURS_LIVE: _variant(Liveness.LIVE, signal.SIGKILL),
    names.OURS_NETLINK: _variant(Liveness.NETLINK, None),
    names.BONDING: Contender(partial(_bonding, options="miimon 100 primary vf0")),
    names.BONDING_TUNED: Contender(partial(_bonding, options=_TUNED)),
    names.TEAM: Contender(_team),
    names.NET_FAILOVER: Contender(_net_failover, mac=STANDBY_MAC, renames=False),
    names.MIRRED: Contender(_mirred),
    names.BARE: Contender(_bare),
    names.HV_NETVSC: Contender(_hv_netvsc, HYPERV_MAC, renames=False),
    names.ON_HV_NETVSC: _on_hv_netvsc(signal.SIGKILL),
    names.ON_HV_NETVSC_RUNNING: _on_hv_netvsc(None),
}
