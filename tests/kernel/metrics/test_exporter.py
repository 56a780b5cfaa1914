# SPDX-License-Identifier: GPL-2.0-only
"""The exporter inside `run`, as a scraper meets it."""

import base64
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path as FilePath

import bcrypt
import pytest

from netvsc_bpf import datapath
from netvsc_bpf.lab.directions import Direction, udp_plan
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.lab.udp import UdpStream
from netvsc_bpf.model.path import Path
from tests.kernel.support.manager import Manager, ip
from tests.kernel.support.scraping import Scrape, raw_get, scrape, try_scrape
from tests.kernel.support.waiting import eventually

Start = Callable[..., Manager]


def answering(lab: Lab, holds: Callable[[Scrape], bool] = lambda _: True) -> Scrape:
    """Wait until the exporter answers what is wanted, and return that."""
    seen: list[Scrape] = []

    def there() -> bool:
        found = try_scrape(lab)
        if found is not None:
            seen.append(found)
        return found is not None and holds(found)

    eventually("the exporter answers", there)
    return seen[-1]


def test_run_serves_metrics_by_default_and_counts_go_on_when_it_is_restarted(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", "--settle", "20")
    manager.wait_vf()
    with UdpStream(udp_plan(lab, Direction.TX, rate=1000)) as stream:
        first = answering(lab)
        assert first.value("manager_up") == first.value("scrape_success") == 1
        assert first.value("vf_active", interface="eth0") == 1
        assert (first.value("reconcile_duration_seconds_count") or 0) >= 1
        assert time.time() - 600 < (first.value("last_reconcile_timestamp_seconds") or 0) <= time.time() + 1
        lab.vf_down()
        manager.wait_path(Path.SYNTHETIC)
        manager.kill()
        sent = stream.sent
        eventually("traffic goes on", lambda: stream.sent > sent + 100)
        start(lab, "eth0", "--settle", "20")
        second = answering(lab)
    labels = {"interface": "eth0", "to": "synthetic", "reason": "vf-down"}
    assert second.value("path_changes_total", **labels) == 1
    assert all(second.samples[key] >= value for key, value in pair_counters(first).items())


def pair_counters(found: Scrape) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    kept = ("packets_total", "bytes_total", "path_changes_total", "drops_total", "vf_stalls_total")
    return {key: value for key, value in found.counters().items() if key[0].endswith(kept)}


def reported(scrapes: list[Scrape]) -> bool:
    """Whether a change of path is among what was scraped."""
    return any("netvsc_bpf_path_changes" in one.types for one in list(scrapes))


def test_s69_a_flap_storm_is_scraped_completely_and_without_a_trace(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", "--settle", "10")
    manager.wait_vf()
    answering(lab)
    over = threading.Event()
    seen: list[Scrape] = []
    wrong: list[BaseException] = []

    def keep_scraping() -> None:
        try:
            while not over.is_set():
                seen.append(scrape(lab))
        except (subprocess.CalledProcessError, ValueError, AssertionError) as error:
            wrong.append(error)

    scraper = threading.Thread(target=keep_scraping)
    with UdpStream(udp_plan(lab, Direction.TX, rate=500)):
        scraper.start()
        try:
            for number in range(12):
                lab.unplug_vf()
                if number % 3 == 0:
                    lab.in_guest(datapath.detach_all)  # pins vanish under a scrape as well
                lab.plug_vf()
                lab.vf_carrier(False)
                lab.vf_carrier(True)
            # On a busy machine ten scrapes can all come while nothing is attached.
            eventually("scraped meanwhile", lambda: bool(wrong) or (len(seen) >= 10 and reported(seen)))
        finally:
            over.set()
            scraper.join()
    assert not wrong and not manager.noise
    for found in seen:
        assert found.value("scrape_success") == 1
        if found.value("vf_present", interface="eth0") is None:
            continue  # it was detached at that moment
        shown = {labels for labels in found.of("packets_total")}
        assert len(shown) == 4
        vf = found.value("vf_present", interface="eth0")
        assert vf == 1 or found.value("vf_active", interface="eth0") == 0, (
            "a VF that is not there is not the path"
        )


def test_it_answers_when_everything_was_detached_behind_its_back(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", "--interval", "3600")
    manager.wait_vf()
    answering(lab)
    ip(lab, "link", "set", "eth0", "down")
    for _ in range(3):
        lab.in_guest(datapath.detach_all)
        assert scrape(lab).value("scrape_success") == 1
    assert not manager.noise


@pytest.mark.parametrize("what", ["port", "certificate", "address"])
def test_error_of_the_exporter_is_reported_in_one_line_and_the_manager_goes_on(
    lab: Lab, start: Start, what: str, tmp_path: FilePath
) -> None:
    options: list[str] = []
    if what == "port":
        holder = lab.in_guest(listening)
    elif what == "address":
        options = ["--metrics-listen", "192.0.2.1:9855"]
    else:
        config = tmp_path / "netvsc-bpf.toml"
        (tmp_path / "cert.pem").write_text("this is no certificate\n")
        config.write_text(f'[metrics]\ncert_file = "{tmp_path}/cert.pem"\nkey_file = "{tmp_path}/key.pem"\n')
        options = ["--config", str(config)]
    manager = start(lab, "eth0", *options)
    reported = manager.wait_event("failed", "cannot serve metrics")
    assert "\n" not in reported["text"] and reported["interface"] == "manager"
    manager.wait_vf()
    lab.vf_down()
    lab.vf_up()
    manager.wait_vf()
    if what == "port":
        holder.close()
        answering(lab)
    assert len(manager.events_of("failed", "cannot serve metrics")) == 1, "reported once"
    assert not manager.noise


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 9855))


def test_none_switches_it_off(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0", "--metrics-listen", "none")
    manager.wait_vf()
    assert try_scrape(lab) is None


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> FilePath:
    """A key and a certificate of its own for localhost."""
    folder = tmp_path_factory.mktemp("pem")
    make_pem(folder, "localhost")
    return folder


def make_pem(folder: FilePath, name: str) -> None:
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    argv += ["-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    argv += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(argv, check=True, capture_output=True)


def test_tls_and_a_password_are_asked_for(lab: Lab, start: Start, pem: FilePath, tmp_path: FilePath) -> None:
    hashed = bcrypt.hashpw(b"s3cret", bcrypt.gensalt(4)).decode()
    config = tmp_path / "netvsc-bpf.toml"
    config.write_text(
        f'[metrics]\nlisten = "127.0.0.1:9855"\nusers = {{ prom = "{hashed}" }}\n'
        f'cert_file = "{pem}/cert.pem"\nkey_file = "{pem}/key.pem"\n'
    )
    manager = start(lab, "eth0", "--config", str(config))
    manager.wait_vf()
    url, cafile = "https://localhost:9855/metrics", str(pem / "cert.pem")
    right = base64.b64encode(b"prom:s3cret").decode()
    wrong = base64.b64encode(b"prom:guess").decode()
    eventually("it listens", lambda: raw_get(lab, url, cafile=cafile)[0] == 401)
    assert raw_get(lab, url, cafile=cafile, authorization=f"Basic {wrong}")[0] == 401
    status, body = raw_get(lab, url, cafile=cafile, authorization=f"Basic {right}")
    assert status == 200
    assert Scrape(body).value("scrape_success") == 1
    assert raw_get(lab, "http://localhost:9855/metrics")[0] == 0, "no answer in the clear"
    assert not manager.noise


def test_a_client_that_sends_nothing_blocks_no_other(lab: Lab, start: Start) -> None:
    manager = start(lab, "eth0")
    manager.wait_vf()
    answering(lab)
    silent = lab.in_guest(connections, 40)  # more than are served at once
    try:
        for one in silent[20:]:
            one.close()
        answering(lab)
    finally:
        for one in silent:
            one.close()
    assert not manager.noise


def connections(number: int) -> list[socket.socket]:
    return [socket.create_connection(("127.0.0.1", 9855)) for _ in range(number)]
