# SPDX-License-Identifier: GPL-2.0-only
"""A drain holds through a change of programs, and is had of programs that never heard of it."""

from netvsc_bpf.kernel.bpf.abi import ControlCommand, ControlResult
from netvsc_bpf.lab.topology import Lab
from netvsc_bpf.model.path import Path, Reason
from tests.kernel.support.attachment import Attachment, attached
from tests.kernel.support.manager import managers
from tests.kernel.support.versions import Versions, assert_of_one_version, hooked
from tests.kernel.switching.test_draining import SETTLE_MS, drain, streams, undrain

UNKNOWN = "	case CONTROL_DRAIN:\n		return drain(pair, argument);\n"


def be_one_without_drains(versions: Versions) -> None:
    versions.next()
    control = versions.folder / f"ebpf{versions.made}/control.c"
    text = control.read_text()
    assert text.count(UNKNOWN) == 1
    control.write_text(text.replace(UNKNOWN, ""))


def test_s98_pair_attached_by_a_version_without_drains_can_be_drained(lab: Lab, versions: Versions) -> None:
    be_one_without_drains(versions)
    with attached(lab, settle_ms=SETTLE_MS) as pair:
        assert pair.control(ControlCommand.DRAIN, 1) is ControlResult.BAD_COMMAND
        versions.original()
        with streams(lab):
            drain(pair, why="by the new one")
            assert pair.where == (Path.SYNTHETIC, Reason.DRAINED)
            undrain(pair)
            pair.wait_for(Path.VF)


def test_s98_drain_holds_through_an_upgrade_by_attach(lab: Lab, versions: Versions) -> None:
    with attached(lab, settle_ms=SETTLE_MS) as pair, streams(lab):
        drain(pair, why="kept")
        before = hooked(lab).build
        versions.next()
        status = pair.attach(settle_ms=SETTLE_MS)
        assert hooked(lab).build != before
        assert status.reason is Reason.DRAINED and status.drained is not None and status.drained.why == "kept"
        undrain(pair)
        pair.wait_for(Path.VF)


def test_s98_drain_holds_through_an_upgrade_by_a_manager(lab: Lab, versions: Versions) -> None:
    versions.next()
    with managers(lab) as start:
        pair = Attachment(lab, "eth0")
        pair.attach(settle_ms=SETTLE_MS)
        with streams(lab):
            drain(pair, why="kept")
            versions.original()
            manager = start("eth0")
            manager.wait_event("upgraded")
            manager.wait_event("drained", "kept")
            assert manager.where == (Path.SYNTHETIC, Reason.DRAINED)
            assert_of_one_version(hooked(lab))
            undrain(pair)
            manager.wait_vf()
