# SPDX-License-Identifier: GPL-2.0-only
"""Syncs the address lists of a synthetic NIC to its VF, and unsyncs them.

hv_netvsc does it for the VF that it has enslaved (netvsc_set_rx_mode() -> dev_uc_sync(), dev_mc_sync()),
but for the first one only: addresses that were synced to a VF that is gone count as synced for ever
(__hw_addr_sync(), net/core/dev_addr_lists.c). So the lists are synced to such a VF too; the kernel counts the
users of an address.
"""

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass

from netvsc_bpf.datapath.teardown import Teardown
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net import address_lists
from netvsc_bpf.kernel.net.address_lists import Membership
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.net.synced_addresses import SyncedAddresses
from netvsc_bpf.model.errors import KernelError
from netvsc_bpf.model.nic import Nic


@dataclass(frozen=True, slots=True)
class Lists:
    """The addresses that the NICs of one pair listen to, and those of the VF that were synced."""

    wanted: frozenset[bytes]
    """On the synthetic NIC: multicast, and secondary unicast addresses."""
    on_vf: frozenset[bytes]
    """On the VF: unicast, and static multicast addresses, as synced ones are.

    Groups that the VF joined by itself do not count: it may leave them at any time.
    """
    synced: frozenset[bytes]

    @property
    def missing(self) -> frozenset[bytes]:
        """Addresses that have to be synced to the VF."""
        return self.wanted - self.on_vf

    @property
    def gone(self) -> frozenset[bytes]:
        """Addresses that were synced and are no longer wanted."""
        return self.synced - self.wanted


class AddressSyncer:
    """Reads the multicast lists once and syncs them. Not kept for longer than one pass.

    `of` are the NICs (by ifindex) whose lists are read; None: all. With hundreds of NICs that join at once,
    each reads its own lists only.
    """

    def __init__(self, pins: NetnsPins, of: Collection[int] | None = None) -> None:
        with ExitStack() as opened:
            self._rtnl = opened.enter_context(Rtnetlink())
            self._synced = opened.enter_context(SyncedAddresses(pins))
            self._multicast = address_lists.multicast_lists(of) if of is None or of else {}
            self._all_synced = self._synced.all()
            self._opened = opened.pop_all()

    def __enter__(self) -> "AddressSyncer":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def lists(self, synthetic: int, vf: int) -> Lists:
        """Return the current lists of two NICs (by ifindex). Raises OSError."""
        wanted = {one.mac for one in self._joined(synthetic)} | address_lists.unicast_list(
            self._rtnl, synthetic
        )
        static = {one.mac for one in self._joined(vf) if one.static}
        return Lists(
            frozenset(wanted),
            frozenset(static | address_lists.unicast_list(self._rtnl, vf)),
            frozenset(self._all_synced.get(vf, ())),
        )

    def sync(self, lists: Lists, vf: int) -> None:
        """Add the missing addresses, remove those that are no longer wanted. Raises KernelError.

        An address is recorded after it was added: if this process is killed in between, one too many stays on
        the VF, which does no harm; recorded before, a foreign address might be removed later.
        """
        for mac in sorted(lists.missing):
            if address_lists.add(self._rtnl, vf, mac):
                self._synced.add(vf, mac)
        self.unsync(vf, lists.gone)

    def unsync(self, vf: int, macs: frozenset[bytes] | None = None) -> None:
        """Remove synced addresses from a VF, all of them by default.

        Raises KernelError (see Teardown), unless the VF is gone.
        """
        with Teardown() as down:
            for mac in sorted(self._all_synced.get(vf, ()) if macs is None else macs):
                down.step(self._unsync_one, vf, mac)

    def _unsync_one(self, vf: int, mac: bytes) -> None:
        try:
            address_lists.remove(self._rtnl, vf, mac)
        except KernelError as error:
            if not address_lists.vanished(error):
                raise
        self._synced.remove(vf, mac)

    def forget(self, vf: int) -> None:
        """Delete the record of a VF that is gone; a new device may get its ifindex."""
        for mac in self._all_synced.get(vf, ()):
            self._synced.remove(vf, mac)

    def _joined(self, ifindex: int) -> list[Membership]:
        return self._multicast.get(ifindex, [])


def sync(pins: NetnsPins, synthetic: Nic, vf: Nic, *, new: bool = False) -> None:
    """Sync the address lists of a synthetic NIC to its VF.

    `new`: nothing was synced to it yet. Raises KernelError.
    """
    with AddressSyncer(pins, {synthetic.ifindex, vf.ifindex}) as syncer:
        if new:
            syncer.forget(vf.ifindex)
        syncer.sync(syncer.lists(synthetic.ifindex, vf.ifindex), vf.ifindex)


def unsync(pins: NetnsPins, vf_ifindex: int, *, gone: bool) -> None:
    """Remove all synced addresses from a VF, or only their record if it is gone. Raises KernelError."""
    with AddressSyncer(pins, ()) as syncer:
        if gone:
            syncer.forget(vf_ifindex)
        else:
            syncer.unsync(vf_ifindex)
