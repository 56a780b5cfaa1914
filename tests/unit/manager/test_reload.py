# SPDX-License-Identifier: GPL-2.0-only
"""SIGHUP: what is reported, to people and to systemd, and what stays in force."""

import asyncio

import pytest

from netvsc_bpf.manager import reload as module
from netvsc_bpf.manager.events.kinds import Event, Kind
from netvsc_bpf.manager.reload import Reload, Reloaded, Reloader, nothing_to_read
from netvsc_bpf.manager.state.config import ManagerConfig
from netvsc_bpf.model.errors import ConfigError

OLD, NEW = ManagerConfig(), ManagerConfig(interval_s=5.0)


def reloaded(
    times: int, reload: Reload, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Event], list[ManagerConfig], list[str]]:
    """Reload some times; return what was reported, what was applied, and what systemd got."""
    reported: list[Event] = []
    applied: list[ManagerConfig] = []
    heard: list[str] = []
    monkeypatch.setattr(module, "notify", heard.append)

    async def go() -> None:
        reloader = Reloader(OLD, reload, applied.append, reported.append)
        task = asyncio.create_task(reloader.run())
        for done in range(1, times + 1):
            reloader.ask()
            while heard.count("READY=1") < done:
                await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(go())
    return reported, applied, heard


def refusing(config: ManagerConfig) -> Reloaded:
    raise ConfigError("/etc/netvsc-bpf.toml:3", "unknown section [dampling]")


def test_changes_are_applied_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[ManagerConfig] = []

    def reload(config: ManagerConfig) -> Reloaded:
        seen.append(config)
        return Reloaded(NEW, ("manager.interval_s 5.0 instead of 30.0",), ("metrics.listen",))

    reported, applied, _ = reloaded(2, reload, monkeypatch)
    assert (applied, seen) == ([NEW, NEW], [OLD, NEW])
    assert reported[0].kind is Kind.RELOADED
    assert reported[0].text == ("manager.interval_s 5.0 instead of 30.0; needs a restart: metrics.listen")


def test_refused_file_is_reported_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reported, applied, heard = reloaded(1, refusing, monkeypatch)
    assert applied == []
    assert (reported[0].kind, reported[0].interface) == (Kind.REFUSED, "manager")
    assert reported[0].text.startswith(
        "/etc/netvsc-bpf.toml:3: unknown section [dampling]; the previous configuration stays in force"
    )
    assert heard[-1] == "READY=1"


@pytest.mark.parametrize("reload", [refusing, nothing_to_read])
def test_systemd_hears_when_it_begins_and_ends(reload: Reload, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, heard = reloaded(1, reload, monkeypatch)
    begin, end = heard
    first, _, stamp = begin.partition("\n")
    assert (first, end) == ("RELOADING=1", "READY=1")
    assert stamp.startswith("MONOTONIC_USEC=") and stamp.removeprefix("MONOTONIC_USEC=").isdecimal()


def test_without_a_file_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    reported, applied, _ = reloaded(1, nothing_to_read, monkeypatch)
    assert applied == [OLD] and reported[0].text == "nothing changed"


def test_an_unexpected_error_ends_the_reload_for_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(config: ManagerConfig) -> Reloaded:
        raise KeyError("unexpected")

    heard: list[str] = []
    monkeypatch.setattr(module, "notify", heard.append)

    async def go() -> None:
        reloader = Reloader(OLD, broken, lambda config: None, lambda event: None)
        reloader.ask()
        with pytest.raises(KeyError):
            await reloader.run()

    asyncio.run(go())
    assert heard[-1] == "READY=1"
