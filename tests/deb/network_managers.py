# SPDX-License-Identifier: GPL-2.0-only
"""udev, systemd-networkd and NetworkManager, running there, leave alone what the package's rule marks.

The rule marks by the name: a VLAN device of a VF. A PCI VF, which it marks by its MAC, takes a machine with
one: tests/vm/test_udev.py. A veth serves as well as a VLAN device, which not every kernel has; another one is
named otherwise, and shows that the network manager would manage such a device.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.deb.machine import Machine

_MARKED, _OTHER = "nvb2.7", "other0"
_NETWORKD = f"[Match]\\nName={_MARKED} {_OTHER}\\n"
_NETWORK_MANAGER = "[keyfile]\\nunmanaged-devices=interface-name:eth0;interface-name:vf0\\n"
"""The lab's own pair is not its business."""
_VETH_RULES = "/run/udev/rules.d/85-nm-unmanaged.rules"
"""An empty file hides NetworkManager's own, which has it ignore every veth."""


def check(machine: Machine) -> None:
    """Check all three. Raises StepFailed."""
    machine.run(f"mkdir -p /run/udev/rules.d && touch {_VETH_RULES} && udevadm control --reload")
    with _devices(machine):
        _networkd(machine)
    with _devices(machine):
        _network_manager(machine)
    machine.run(f"rm {_VETH_RULES}")
    print("  udev marks a VLAN device of a VF; networkd and NetworkManager leave it unmanaged", flush=True)


@contextmanager
def _devices(machine: Machine) -> Iterator[None]:
    for name in (_MARKED, _OTHER):
        machine.run(f"ip link add name {name} type veth peer name far-{name}")
    try:
        machine.eventually(f"udevadm info /sys/class/net/{_MARKED} | grep NM_UNMANAGED=1")
        yield
    finally:
        for name in (_MARKED, _OTHER):
            machine.run(f"ip link del {name}")


def _networkd(machine: Machine) -> None:
    machine.run(f"printf '{_NETWORKD}' >/etc/systemd/network/50-both.network")
    try:
        machine.run("systemctl start systemd-networkd")
        machine.eventually(f"networkctl --no-pager list {_OTHER} | grep -wE 'configured|configuring'")
        machine.eventually(f"networkctl --no-pager list {_MARKED} | grep -w unmanaged")
    finally:
        machine.run("systemctl stop systemd-networkd.socket systemd-networkd")
        machine.run("rm -f /etc/systemd/network/50-both.network")


def _network_manager(machine: Machine) -> None:
    state = "nmcli -g GENERAL.STATE device show"
    machine.run("mkdir -p /run/NetworkManager/conf.d")
    machine.run(f"printf '{_NETWORK_MANAGER}' >/run/NetworkManager/conf.d/lab.conf")
    try:
        machine.run("systemctl start NetworkManager")
        machine.eventually(f"{state} {_OTHER} | grep . && ! {state} {_OTHER} | grep -w unmanaged")
        machine.run(f"{state} {_MARKED} | grep -w unmanaged")
    finally:
        machine.run("systemctl stop NetworkManager; rm -rf /run/NetworkManager/conf.d")
