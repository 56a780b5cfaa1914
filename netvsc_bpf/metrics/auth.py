# SPDX-License-Identifier: GPL-2.0-only
"""HTTP basic authentication (RFC 7617) against bcrypt hashes."""

import base64
import binascii
import hashlib
import hmac
import os
import threading
import time
from collections import deque
from collections.abc import Callable

_PAUSE = 9
"""After a wrong password the next check waits this multiple of its duration: at most a tenth of a CPU."""
_LOOK_S = 0.1
_REMEMBERED = 64


class BasicAuth:
    """Checks users against their bcrypt hashes.

    bcrypt takes a tenth of a second by design. A scraper sends the same password every few seconds, so the
    last correct one of each user is cached, as a keyed hash that is useless outside this process, and so are
    the last wrong ones. Unknown passwords are checked one at a time and with pauses, so that guessing costs
    little CPU with any number of clients; a cached password never waits for them.
    """

    def __init__(
        self, users: tuple[tuple[str, str], ...], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._users = {name: hashed.encode() for name, hashed in users}
        self._clock = clock
        self._key = os.urandom(32)
        self._known: dict[str, bytes] = {}
        self._wrong: deque[bytes] = deque(maxlen=_REMEMBERED)
        self._one_at_a_time = threading.Lock()
        self._not_before = 0.0

    def admits(self, header: str | None, gone: Callable[[], bool] = lambda: False) -> bool:
        """Check the value of an Authorization header; without users every client is admitted.

        May wait for checks of other passwords; `gone` returns meanwhile whether the client has disconnected.
        """
        if not self._users:
            return True
        credentials = _decode(header)
        if credentials is None:
            return False
        name, password = credentials
        digest = hmac.digest(self._key, name.encode() + b":" + password, hashlib.sha256)
        if hmac.compare_digest(self._known.get(name, b""), digest):
            return True
        if digest in self._wrong:
            return False
        # An unknown name takes as long as a wrong password, so that timing does not reveal names.
        hashed = self._users.get(name, next(iter(self._users.values())))
        while not self._one_at_a_time.acquire(timeout=_LOOK_S):
            if gone():
                return False
        try:
            right = self._paced(password, hashed, gone) and name in self._users
        finally:
            self._one_at_a_time.release()
        if right:
            self._known[name] = digest
        elif not gone():
            self._wrong.append(digest)
        return right

    def _paced(self, password: bytes, hashed: bytes, gone: Callable[[], bool]) -> bool:
        while (left := self._not_before - self._clock()) > 0:
            if gone():
                return False
            time.sleep(min(left, _LOOK_S))
        begun = self._clock()
        right = _matches(password, hashed)
        ended = self._clock()
        if not right:
            self._not_before = ended + _PAUSE * (ended - begun)
        return right


def _matches(password: bytes, hashed: bytes) -> bool:
    import bcrypt  # only if there are users: it costs memory

    try:
        return bcrypt.checkpw(password, hashed)
    except ValueError:  # a password longer than bcrypt's 72 bytes, or with a NUL in it
        return False


def _decode(header: str | None) -> tuple[str, bytes] | None:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None
