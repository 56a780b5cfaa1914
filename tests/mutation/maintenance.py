# SPDX-License-Identifier: GPL-2.0-only
"""Mutations of maintenance: whose drains it touches, and what it does in doubt."""

from tests.mutation.mutation import Mutation

_STEPS = ("tests/unit/datapath/test_maintenance_drain.py",)
_DOCUMENT = ("tests/unit/manager/maintenance/test_azure_document.py",)
_LEDGER = ("tests/unit/manager/maintenance/test_ledger.py",)
_DRAINS = ("tests/unit/manager/maintenance/test_drains.py",)
_WATCHER = ("tests/unit/manager/maintenance/test_watcher.py",)

MAINTENANCE = (
    Mutation(
        "a drain of an operator ends with the maintenance",
        "netvsc_bpf/datapath/maintenance_drain.py",
        "        if not self.is_ours:\n            return None\n",
        "",
        _STEPS,
    ),
    Mutation(
        "a pair that an operator undrained is drained again",
        "netvsc_bpf/datapath/maintenance_drain.py",
        "return None if drained_before else Step.BEGIN",
        "return Step.BEGIN",
        _STEPS,
    ),
    Mutation(
        "an event for another VM drains",
        "netvsc_bpf/manager/maintenance/azure_document.py",
        "return mine and isinstance",
        "return isinstance",
        _DOCUMENT,
    ),
    Mutation(
        "an event of which nothing is known drains",
        "netvsc_bpf/manager/maintenance/azure_document.py",
        'if not started and event.get("EventStatus") != "Scheduled":',
        "if False:",
        _DOCUMENT,
    ),
    Mutation(
        "no answer counts as the end of maintenance after a restart",
        "netvsc_bpf/manager/maintenance/ledger.py",
        "certain = self._answered.issuperset(sources)",
        "certain = True",
        _LEDGER,
    ),
    Mutation(
        "an event is forgotten as soon as it should be over",
        "netvsc_bpf/manager/maintenance/ledger.py",
        "starts_at + notice.duration_s + SLACK_S)",
        "starts_at + notice.duration_s)",
        _LEDGER,
    ),
    Mutation(
        "a clock that is set back ends a drain",
        "netvsc_bpf/manager/maintenance/ledger.py",
        "due=before is not None and before.due)",
        "due=False)",
        _LEDGER,
    ),
    Mutation(
        "a drain by an earlier manager is ended in doubt",
        "netvsc_bpf/manager/maintenance/drains.py",
        "stored.away() if order.certain or ifindex in self._begun else None",
        "stored.away()",
        _DRAINS,
    ),
    Mutation(
        "an event is acknowledged before the pairs are drained",
        "netvsc_bpf/manager/maintenance/watcher.py",
        "return self._fulfilled(order)",
        "return True",
        _WATCHER,
    ),
    Mutation(
        "an event is acknowledged without being asked to",
        "netvsc_bpf/manager/maintenance/watcher.py",
        "if not (self._policy.acknowledge and ready and",
        "if not (ready and",
        _WATCHER,
    ),
)
