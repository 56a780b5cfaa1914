# SPDX-License-Identifier: GPL-2.0-only
"""Managing synthetic NICs that moved to other network namespaces, from the namespace that they left.

Read from the marks at every check: which namespaces need a manager, whose VF has to be moved - hosts add VFs
to the initial namespace - and what a deleted namespace left in bpffs.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from netvsc_bpf.datapath.known_pairs import known_pairs
from netvsc_bpf.datapath.move_vf import arrived, fetch, move_back, note_arrival
from netvsc_bpf.datapath.session import Session, reading, writing
from netvsc_bpf.discovery.lookup import find_by_name
from netvsc_bpf.discovery.nics import list_nics
from netvsc_bpf.discovery.pairing import find_pair
from netvsc_bpf.kernel.bpf import pins
from netvsc_bpf.kernel.bpf.moved_nic_marks import MovedNic, moved_nic, moved_nics_of, remove_mark
from netvsc_bpf.kernel.bpf.pin_layout import NetnsPins
from netvsc_bpf.kernel.net.nsid import nsid
from netvsc_bpf.kernel.net.rtnetlink import Rtnetlink
from netvsc_bpf.kernel.process import writer_lock
from netvsc_bpf.kernel.process.namespace_handle import NetnsHandle
from netvsc_bpf.manager.events.claim import holder
from netvsc_bpf.manager.events.kinds import Detail, Event, Kind
from netvsc_bpf.manager.state.attached_pairs import opened
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.model.errors import NamespaceGone, NetvscBpfError, Refused
from netvsc_bpf.model.nic import Nic

_WHAT = "cannot manage a NIC in another network namespace"


@dataclass(slots=True)
class MovedNicCare:
    """Checks all moved NICs; runs in a thread in the manager's own namespace and may block."""

    config: ManagerConfig
    listener: Callable[[Event], None]
    places: dict[NetnsHandle, int] = field(default_factory=dict)
    """The namespaces that need a manager, with their nsid in this namespace."""
    troubled: bool = False
    """Something failed at the last check and has to be tried again soon."""
    _reported: dict[str, str] = field(default_factory=dict)

    def __call__(self) -> None:
        """Check all moved NICs; a failure is reported once, and tried again at the next check."""
        places: dict[NetnsHandle, int] = {}
        self.troubled = False
        for one in moved_nics_of(NetnsHandle.here()):
            try:
                if not one.here.exists():
                    self._forget_dead(one)
                elif self._is_ours(one):
                    if one.here not in places:
                        places[one.here] = nsid(one.here)
                    self._see_to_its_vf(one)
            except NamespaceGone:
                self.troubled = True  # just deleted: handled at the next check
            except NetvscBpfError as error:
                self.troubled = True
                self._report_failure(one, str(error))
            except Exception as error:
                self.troubled = True
                self._report_failure(one, "".join(traceback.format_exception(error)))
            else:
                self._reported.pop(one.name, None)
        self.places = places

    def _is_ours(self, one: MovedNic) -> bool:
        """Return whether it needs a manager; drop the mark of a NIC that died before it was attached."""
        with one.here.entered():
            pid = holder()
            if pid is not None:
                self._report_once(one, f"process {pid} manages {one.here.name} now")
                return False
            with reading(_WHAT) as session:
                if session.nic(one.ifindex) is not None or one.ifindex in session.attached():
                    return True
            with writing(_WHAT) as session:
                move_back(session, one)
                remove_mark(session.pins, one.ifindex)
        return False

    def _see_to_its_vf(self, one: MovedNic) -> None:
        with one.here.entered(), Rtnetlink() as rtnl:
            nics = list_nics(rtnl)
        synthetic = next((nic for nic in nics if nic.ifindex == one.ifindex), None)
        if synthetic is None:
            return  # that namespace's manager releases it
        one = self._settled(one, nics)
        if self._lacks_a_vf(synthetic, nics):
            self._fetch_for(one, synthetic)

    def _settled(self, one: MovedNic, nics: list[Nic]) -> MovedNic:
        """Complete the mark of a NIC whose manager was killed while its VF moved."""
        if one.vf is None or one.vf.ifindex or arrived(one, nics) is None:
            return one
        with writing(_WHAT):
            return note_arrival(one, nics)

    def _lacks_a_vf(self, synthetic: Nic, nics: list[Nic]) -> bool:
        try:
            return find_pair(nics, synthetic.name, any_bus=self.config.options.any_bus).pair.vf is None
        except Refused:
            return False  # there is one in other use, or there are several

    def _fetch_for(self, one: MovedNic, synthetic: Nic) -> None:
        with reading(_WHAT) as session:
            if self._candidate(session, one, synthetic) is None:
                return
        with writing(_WHAT) as session:
            vf = self._candidate(session, one, synthetic)
            now = moved_nic(NetnsPins(one.here.inode), one.ifindex)
            if vf is None or now is None:
                return
            name = fetch(session, now, vf)
        text = f"{vf.name} follows it to {one.here.name}" + ("" if name == vf.name else f" as {name}")
        self._report(one, Kind.MOVED, text, vf.name)

    def _candidate(self, session: Session, one: MovedNic, synthetic: Nic) -> Nic | None:
        """Return the NIC of this namespace that would be its VF if the moved NIC were here."""
        options = self.config.of(one.name).options
        # Its ifindex and names may belong to another interface here.
        name = f"{one.name}@{one.here.name}"
        stand_in = replace(synthetic, ifindex=-1, name=name, altnames=(), master=None)
        named = find_by_name(session.nics, options.vf)
        try:
            with opened(session.pins) as loaded:
                known = known_pairs(session, loaded)
            pairing = find_pair(
                [*session.nics, stand_in],
                stand_in.name,
                vf=None if named is None else named.name,
                any_bus=options.any_bus,
                known=known,
            )
        except Refused as refused:
            self._report_once(one, str(refused))
            return None
        return pairing.pair.vf

    def _forget_dead(self, one: MovedNic) -> None:
        """Remove what its namespace left in bpffs: links of devices that are gone or back here."""
        where = NetnsPins(one.here.inode)
        with writer_lock.writer(where.root):
            pins.remove_tree(where, where.pair(one.ifindex))
            remove_mark(where, one.ifindex)
            if not pins.in_use(where):
                pins.remove_tree(where, where.home)
        self._report(one, Kind.RELEASED, f"{one.here.name} is gone, and it with it")

    def _report_failure(self, one: MovedNic, text: str) -> None:
        if self._reported.get(one.name) != text:
            self._reported[one.name] = text
            self._report(one, Kind.FAILED, text)

    def _report_once(self, one: MovedNic, text: str) -> None:
        key = f"{one.name} {one.here.inode}"
        if self._reported.get(key) != text:
            self._reported[key] = text
            self._report(one, Kind.REFUSED, text)

    def _report(self, one: MovedNic, kind: Kind, text: str, vf: str | None = None) -> None:
        details = {Detail.NETNS: one.here.name} | ({} if vf is None else {Detail.VF: vf})
        self.listener(Event(kind, one.name, text, details=dict(details)))
