# SPDX-License-Identifier: GPL-2.0-only
"""Replaces addresses in texts by pseudonyms: the same address by the same one, in every text. Pure.

Pseudonyms are addresses too, so that texts stay readable and parsable: locally administered MACs, IPv4
addresses of 198.18.0.0/15 (RFC 2544) and IPv6 addresses of 2001:db8::/32 (RFC 3849). Link-local and multicast
addresses stay such. What says nothing about a machine is kept: loopback, unspecified, broadcast, the groups
of all nodes and of all routers, and the reserved MACs of IEEE 802.1.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field

_MAC = re.compile(r"(?<![\w:.-])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4,18}(?![\w:-])")
_MAC_NAME = re.compile(r"(?<![0-9A-Za-z])(enx|wlx)([0-9a-f]{12})(?![0-9a-f])")
"""Names that udev makes of MACs (systemd.net-naming-scheme(7))."""
_IPV6 = re.compile(
    r"(?<![\w:.])(?=[0-9A-Fa-f]*:[0-9A-Fa-f:]*:)"  # two colons at least
    r"(?:[0-9A-Fa-f:]{1,38}:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]{2,39})(?![\w:])"
)
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\w)")
_RESERVED_MACS = "01:80:c2:00:00:"
_FIRST_IPV4 = int(ipaddress.IPv4Address("198.18.0.0"))
_KEPT_GROUPS = frozenset(map(ipaddress.IPv6Address, ("ff02::1", "ff02::2", "ff01::1")))


@dataclass(slots=True)
class Mask:
    """Remembers the pseudonyms that it has given."""

    _given: dict[str, str] = field(default_factory=dict)
    """Address in its canonical form, with its family -> pseudonym."""
    _numbers: dict[str, int] = field(default_factory=dict)
    """How many there are of each kind."""

    def __call__(self, text: str) -> str:
        """Return a text with pseudonyms."""
        text = _MAC.sub(lambda found: self._mac(found[0]), text)
        text = _MAC_NAME.sub(lambda found: found[1] + self._named(found[2]), text)
        text = _IPV6.sub(lambda found: self._ipv6(found[0]), text)
        return _IPV4.sub(lambda found: self._ipv4(found[0]), text)

    def _mac(self, shown: str) -> str:
        octets = bytes.fromhex(re.sub("[:-]", "", shown))
        mac = octets.hex(":")
        if len(set(octets)) == 1 and octets[0] in (0, 255):
            return shown
        if mac.startswith(_RESERVED_MACS):
            return shown
        first = "03" if octets[0] & 1 else "02"
        return self._pseudonym(f"mac {mac}", f"mac {first}", lambda number: f"{first}:00:{_tail(number, 4)}")

    def _named(self, digits: str) -> str:
        return self._mac(bytes.fromhex(digits).hex(":")).replace(":", "")

    def _ipv4(self, shown: str) -> str:
        try:
            address = ipaddress.IPv4Address(shown)
        except ValueError:
            return shown
        if (
            address.is_loopback
            or address.is_unspecified
            or address.is_multicast
            or int(address) == 0xFFFFFFFF
        ):
            return shown
        return self._pseudonym(
            str(address), "ipv4", lambda number: str(ipaddress.IPv4Address(_FIRST_IPV4 + number))
        )

    def _ipv6(self, shown: str) -> str:
        try:
            address = ipaddress.IPv6Address(shown)
        except ValueError:
            return shown
        if address.is_loopback or address.is_unspecified or address in _KEPT_GROUPS:
            return shown
        prefix = "fe80::" if address.is_link_local else "ff0e::db8:" if address.is_multicast else "2001:db8::"
        return self._pseudonym(str(address), prefix, lambda number: f"{prefix}{number:x}")

    def _pseudonym(self, address: str, kind: str, make: Callable[[int], str]) -> str:
        if address not in self._given:
            self._numbers[kind] = self._numbers.get(kind, 0) + 1
            self._given[address] = make(self._numbers[kind])
        return self._given[address]


def _tail(number: int, octets: int) -> str:
    return number.to_bytes(octets).hex(":")
