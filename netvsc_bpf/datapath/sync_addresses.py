# SPDX-License-Identifier: GPL-2.0-only
"""Lending a VF the addresses that its synthetic NIC listens to, and taking them back.

hv_netvsc does it for the VF that it has enslaved (netvsc_set_rx_mode() -> dev_uc_sync(), dev_mc_sync()),
but for the first one only: what was synced to a VF that is gone counts as synced for ever
(__hw_addr_sync(), net/core/dev_addr_lists.c). So such a VF is lent them all the same; the kernel counts the
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
    """What one pair's NICs listen to, and what of the VF's is lent."""

    wanted: frozenset[bytes]
    """On the synthetic NIC: multicast, and unicast beside its own."""
    on_vf: frozenset[bytes]
    """On the VF: unicast, and those multicast ones that are static as ours are.

    What the VF joined by itself does not count: it may leave when it likes.
    """
    synced: frozenset[bytes]

    @property
    def missing(self) -> frozenset[bytes]:
        """What the VF has to be lent."""
        return self.wanted - self.on_vf

    @property
    def gone(self) -> frozenset[bytes]:
        """What is lent and not wanted any more."""
        return self.synced - self.wanted


class AddressSyncer:
    """One look at the multicast lists, and what is done about them. Lives no longer than that look.

    `of` are the NICs (by ifindex) whose lists are wanted: where hundreds join at once each reads its own.
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

    def look(self, synthetic: int, vf: int) -> Lists:
        """Return how the lists of two NICs (by ifindex) stand. Raises OSError."""
        wanted = {one.mac for one in self._joined(synthetic)} | address_lists.unicast_list(
            self._rtnl, synthetic
        )
        static = {one.mac for one in self._joined(vf) if one.static}
        return Lists(
            frozenset(wanted),
            frozenset(static | address_lists.unicast_list(self._rtnl, vf)),
            frozenset(self._all_synced.get(vf, ())),
        )

    def settle(self, lists: Lists, vf: int) -> None:
        """Lend what is missing, take back what is not wanted. Raises KernelError.

        An address is noted after it was lent: killed in between we leave one too many on the VF, which does
        no harm; noted before, we might later take what is not ours.
        """
        for mac in sorted(lists.missing):
            if address_lists.add(self._rtnl, vf, mac):
                self._synced.add(vf, mac)
        self.unsync(vf, lists.gone)

    def unsync(self, vf: int, macs: frozenset[bytes] | None = None) -> None:
        """Take lent addresses back from a VF, all of them by default.

        Raises KernelError (see Teardown), unless it says that the VF is gone.
        """
        with Teardown() as down:
            for mac in sorted(self._all_synced.get(vf, ()) if macs is None else macs):
                down.step(self._take_one_back, vf, mac)

    def _take_one_back(self, vf: int, mac: bytes) -> None:
        try:
            address_lists.remove(self._rtnl, vf, mac)
        except KernelError as error:
            if not address_lists.vanished(error):
                raise
        self._synced.remove(vf, mac)

    def forget(self, vf: int) -> None:
        """Forget what was lent to a VF that is gone; a new device may get its ifindex."""
        for mac in self._all_synced.get(vf, ()):
            self._synced.remove(vf, mac)

    def _joined(self, ifindex: int) -> list[Membership]:
        return self._multicast.get(ifindex, [])


def sync(pins: NetnsPins, synthetic: Nic, vf: Nic, *, anew: bool = False) -> None:
    """Give a VF what its synthetic NIC listens to.

    `anew`: nothing was lent to it yet. Raises KernelError.
    """
    with AddressSyncer(pins, {synthetic.ifindex, vf.ifindex}) as keeper:
        if anew:
            keeper.forget(vf.ifindex)
        keeper.settle(keeper.look(synthetic.ifindex, vf.ifindex), vf.ifindex)


def unsync(pins: NetnsPins, vf_ifindex: int, *, gone: bool) -> None:
    """Take from a VF all that it was lent; of one that is gone forget it. Raises KernelError."""
    with AddressSyncer(pins, ()) as keeper:
        if gone:
            keeper.forget(vf_ifindex)
        else:
            keeper.unsync(vf_ifindex)
