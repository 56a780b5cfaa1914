# SPDX-License-Identifier: GPL-2.0-only
"""One listener made of several."""

from collections.abc import Callable

from netvsc_bpf.manager.events.kinds import Event

Listener = Callable[[Event], None]


def tee(*listeners: Listener) -> Listener:
    """Return a listener that passes each event to all of these, in order.

    They are called from any of the manager's threads and must neither block nor raise.
    """

    def send(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return send
