# SPDX-License-Identifier: GPL-2.0-only
"""HTTP basic authentication (RFC 7617) against bcrypt hashes."""

import base64
import binascii
import hashlib
import hmac
import os
import threading


class BasicAuth:
    """Knows users by their bcrypt hashes.

    bcrypt takes a tenth of a second on purpose. A scraper comes every few seconds with the same password, so
    the last good one of each user is remembered, as a keyed hash that is worth nothing outside this process.
    """

    def __init__(self, users: tuple[tuple[str, str], ...]) -> None:
        self._users = {name: hashed.encode() for name, hashed in users}
        self._key = os.urandom(32)
        self._known: dict[str, bytes] = {}
        # Guesses are worked on one by one, so that whoever guesses keeps no more than one CPU busy.
        self._one_at_a_time = threading.Lock()

    def admits(self, header: str | None) -> bool:
        """Judge the value of an Authorization header; without users everybody is admitted."""
        if not self._users:
            return True
        credentials = _decode(header)
        if credentials is None:
            return False
        name, password = credentials
        digest = hmac.digest(self._key, password, hashlib.sha256)
        if hmac.compare_digest(self._known.get(name, b""), digest):
            return True
        # A name that nobody has takes as long as a wrong password: names cannot be told by the clock.
        hashed = self._users.get(name, next(iter(self._users.values())))
        with self._one_at_a_time:
            right = _matches(password, hashed) and name in self._users
        if right:
            self._known[name] = digest
        return right


def _matches(password: bytes, hashed: bytes) -> bool:
    import bcrypt  # only where there are users: it costs memory

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
