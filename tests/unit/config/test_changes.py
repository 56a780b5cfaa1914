# SPDX-License-Identifier: GPL-2.0-only
"""What is reported about a file that was read again, and which changes are applied."""

from pathlib import Path

from netvsc_bpf.config.changes import merged
from netvsc_bpf.config.load import parse
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.model.path import Liveness

FILE = Path("/etc/netvsc-bpf.toml")


def of(text: str) -> ManagerConfig:
    return parse(text, FILE)


def test_the_same_again_changes_nothing() -> None:
    text = "[attach]\nsettle_ms = 20\n[interface.eth0]\nvf = 'vf0'\n"
    done = merged(of(text), of(text))
    assert (done.config, done.changed, done.kept) == (of(text), (), ())


def test_changes_are_listed_by_key() -> None:
    before = of("[attach]\nsettle_ms = 20\n")
    after = of("[damping]\nhalf_life_s = 60\n[manager]\ninterfaces = ['eth1']\n")
    done = merged(before, after)
    assert done.config == after and done.kept == ()
    assert done.changed == (
        'manager.interfaces ["eth1"] instead of []',
        "attach.settle_ms not set instead of 20",
        "damping.half_life_s 60.0 instead of 1800.0",
    )


def test_what_netvsc_bpf_chooses_is_called_auto() -> None:
    text = "[attach]\nguard = 'off'\n[probe]\ntargets = ['10.0.0.1']\n[maintenance]\nfile = '/run/events'\n"
    assert merged(of(text), of("")).changed == (
        'attach.guard "auto" instead of "off"',
        'probe.targets "auto" instead of ["10.0.0.1"]',
        'maintenance.file not set instead of "/run/events"',
    )


def test_interface_is_listed_if_its_own_settings_changed() -> None:
    before = of("[interface.eth0]\nsettle_ms = 20\n[interface.eth1]\nvf = 'vf1'\n")
    after = of("[attach]\nany_bus = true\n[interface.eth1]\nvf = 'vf1'\n[interface.eth2]\nguard = 'off'\n")
    done = merged(before, after)
    assert done.changed == (
        "attach.any_bus true instead of false",
        "interface.eth0 changed",
        "interface.eth2 changed",
    )


def test_interface_is_listed_if_its_keys_of_other_sections_changed() -> None:
    text = "[interface.eth0]\nannounce.addresses = true\n"
    assert merged(of(text), of("")).changed == ("interface.eth0 changed",)
    assert merged(of(text), of("[announce]\naddresses = true\n" + text)).changed == (
        "announce.addresses true instead of false",
        "interface.eth0 changed",
    )


def test_what_needs_a_restart_keeps_its_old_value_and_is_reported() -> None:
    before = of("[attach]\nliveness = 'live'\n[interface.eth0]\nvf = 'vf0'\n")
    after = of(
        "[attach]\nliveness = 'netlink'\nguard = 'off'\n[interface.eth0]\nvf = 'vf9'\n"
        "[metrics]\nlisten = '[::1]:1'\nusers = { a = '$2b$10$" + "secret.".ljust(53, "a") + "' }\n"
    )
    done = merged(before, after)
    assert done.config.options.liveness is Liveness.LIVE
    own = done.config.of("eth0").options
    assert (own.liveness, own.vf) == (Liveness.LIVE, "vf9")
    assert done.config.metrics == before.metrics
    assert done.kept == ("attach.liveness", "metrics.listen", "metrics.users")
    assert "secret" not in repr((done.changed, done.kept))
