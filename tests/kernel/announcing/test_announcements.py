# SPDX-License-Identifier: GPL-2.0-only
"""Each change of path is announced to a learning switch, even if the guest sends nothing."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path as FilePath

import pytest

from netvsc_bpf.kernel.net.announcement_frames import gratuitous_arp, rarp, unsolicited_na
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.manager.state.announce_policy import AnnouncePolicy
from netvsc_bpf.model.path import Path
from tests.kernel.announcing.managing import Managed, managed, mute
from tests.kernel.support.frames import GUEST_MAC, Tap
from tests.kernel.support.waiting import eventually

OURS4, OURS6 = IPv4Address("10.99.0.1"), IPv6Address("fd99::1")
CLAIMS = (gratuitous_arp(GUEST_MAC, OURS4), unsolicited_na(GUEST_MAC, OURS6))


@pytest.fixture
def claiming(tmp_path: FilePath) -> Iterator[tuple[str, str]]:
    """Options of `run` for announcing the addresses of eth0 too."""
    file = tmp_path / "claiming.toml"
    file.write_text("[interface.eth0.announce]\naddresses = true\n")
    yield "--config", str(file)


def away_and_back(guest: Managed) -> None:
    """The VF loses its carrier and regains it; both changes are announced to the switch."""
    guest.lab.vf_carrier(False)
    guest.wait_for_port("syn0")
    guest.wait_for(Path.SYNTHETIC)
    guest.lab.vf_carrier(True)
    guest.wait_for_port("vf0")
    assert guest.path is Path.VF


def test_s60_each_change_of_path_is_announced_to_the_switch(lab: Lab) -> None:
    with managed(lab) as guest:
        guest.wait_for(Path.VF)
        guest.wait_for_port("vf0")
        away_and_back(guest)


def test_s60_a_guest_without_addresses_that_says_nothing_is_found_again(lab: Lab) -> None:
    mute(lab)
    with Tap(lab.peer, "eth0") as peer, managed(lab) as guest:
        guest.wait_for_port("vf0")
        away_and_back(guest)
        said = [frame.data for frame in peer.seen(GUEST_MAC) if frame.data[6:12] == GUEST_MAC]
    assert set(said) == {rarp(GUEST_MAC)}, "no other MAC was announced"


def test_s17_loss_of_carrier_is_announced_and_s85_no_address_is_claimed(lab: Lab) -> None:
    frame = rarp(GUEST_MAC)
    with Tap(lab.peer, "eth0") as before, managed(lab) as guest:
        guest.wait_for(Path.VF)
        # Nothing of the arrival may be taken for the departure.
        eventually("all repeats", lambda: len(before.seen(frame)) == len(AnnouncePolicy().after_s))
        with Tap(lab.peer, "eth0") as peer, Tap(lab.guest, "vf0") as vf:
            lab.vf_carrier(False)
            eventually("all repeats", lambda: len(peer.seen(frame)) == len(AnnouncePolicy().after_s))
            guest.wait_for_port("syn0")
            assert not [copy for copy in vf.seen(frame) if copy.outgoing]
            assert not any(peer.seen(claim) for claim in CLAIMS)
        assert guest.path is Path.SYNTHETIC


def test_s60_addresses_are_announced_if_the_operator_wants_it(lab: Lab, claiming: tuple[str, str]) -> None:
    with managed(lab, *claiming) as guest:
        guest.wait_for(Path.VF)
        with Tap(lab.peer, "eth0") as peer:
            lab.vf_carrier(False)
            for claim in CLAIMS:
                peer.wait_for(claim)


def test_s60_the_announcement_takes_the_path_that_is_in_use(lab: Lab) -> None:
    frame = rarp(GUEST_MAC)
    with Tap(lab.guest, "vf0") as vf, managed(lab) as guest:
        guest.wait_for(Path.VF)
        vf.wait_for(frame)
        assert all(seen.outgoing for seen in vf.seen(frame))


def test_s60_neighbours_accept_the_advertisement(lab: Lab, claiming: tuple[str, str]) -> None:
    """The peer's neighbour entry with a wrong MAC is overridden, without a solicitation."""
    wrong = "02:00:00:00:00:01"
    neighbour = ["dev", "eth0", "nud", "stale"]
    with managed(lab, *claiming) as guest:
        guest.wait_for(Path.VF)
        for address in (OURS4, OURS6):
            lab.run(lab.peer, ["ip", "neigh", "replace", str(address), "lladdr", wrong, *neighbour])
        lab.vf_carrier(False)
        for address in (OURS4, OURS6):
            eventually(
                f"the peer knows where {address} is",
                lambda: GUEST_MAC.hex(":") in lab.run(lab.peer, ["ip", "neigh", "show", str(address)]).stdout,  # noqa: B023
            )


def test_s60_flaps_do_not_flood(lab: Lab) -> None:
    with Tap(lab.peer, "eth0") as peer, managed(lab) as guest:
        guest.wait_for(Path.VF)
        for _ in range(40):
            lab.vf_down()
            lab.vf_up()
            lab.run(lab.guest, ["ping", "-c", "1", "-W", "1", "10.99.0.2"], check=False)
        guest.wait_for_port("vf0")
        announced = len(peer.seen(rarp(GUEST_MAC)))
    assert 1 <= announced <= 60


def test_s60_announcements_can_be_turned_off(lab: Lab) -> None:
    mute(lab)
    with Tap(lab.peer, "eth0") as peer, managed(lab, "--no-announce") as guest:
        guest.wait_for(Path.VF)
        lab.vf_carrier(False)
        lab.vf_down()
        guest.wait_for(Path.SYNTHETIC)
        assert not peer.seen(GUEST_MAC)


def test_s60_a_macvlan_upon_the_pair_is_announced_by_its_own_mac(lab: Lab) -> None:
    mac = bytes.fromhex("020000000042")
    add = ["ip", "link", "add", "link", "eth0", "name", "mv0", "address", mac.hex(":"), "type", "macvlan"]
    lab.run(lab.guest, add)
    lab.run(lab.guest, ["ip", "addr", "add", "10.99.0.66/24", "dev", "mv0"])
    lab.run(lab.guest, ["ip", "link", "set", "mv0", "up"])
    with managed(lab) as guest:
        guest.wait_for(Path.VF)
        guest.wait_for_port("vf0", mac)
        lab.vf_carrier(False)
        guest.wait_for_port("syn0", mac)


@pytest.mark.guest
@pytest.mark.oldest
def test_s60_a_vlan_upon_the_pair_is_announced_with_its_tag(lab: Lab) -> None:
    add = ["ip", "link", "add", "link", "eth0", "name", "eth0.7", "type", "vlan", "id", "7"]
    result = lab.run(lab.guest, add, check=False)
    if result.returncode:
        pytest.skip(f"this kernel makes no VLAN sub-interfaces: {result.stderr.strip()}")
    lab.run(lab.guest, ["ip", "addr", "add", "10.7.0.1/24", "dev", "eth0.7"])
    lab.run(lab.guest, ["ip", "link", "set", "eth0.7", "up"])
    announced = rarp(GUEST_MAC)
    with Tap(lab.peer, "eth0") as peer, managed(lab) as guest:
        guest.wait_for(Path.VF)
        lab.vf_carrier(False)
        guest.wait_for_port("syn0")
        peer.wait_for(announced)
        assert {frame.vlan for frame in peer.seen(announced)} == {None, 7}


def test_s68_without_cap_net_raw_everything_but_announcing_works(lab: Lab) -> None:
    mute(lab)
    less = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"]
    with Tap(lab.peer, "eth0") as peer, managed(lab, wrapped_in=less) as guest:
        guest.wait_for(Path.VF)
        assert "CAP_NET_RAW is missing" in guest.said()
        lab.vf_down()
        guest.wait_for(Path.SYNTHETIC)
        assert not peer.seen(GUEST_MAC)
