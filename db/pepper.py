"""The pepper: what fingerprints of keys are made with, so that a stolen table does not help to guess keys."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final, Self

from db.engine import Database
from db.errors import KeyRefused
from db.named_keys import decoded_key

_CANARY: Final = b"minimcp key pepper 1"
_FINGERPRINT: Final = b"minimcp key fingerprint 1\x00"
_EXAMPLE: Final = '`python -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())"` prints it'


@dataclass(frozen=True, slots=True)
class Pepper:
    """A secret that is the same for all fingerprints, and for as long as they shall be found."""

    _secret: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read 32 bytes in base64; None when there are none."""
        return cls(decoded_key(text.strip(), what="KEY_PEPPER", example=_EXAMPLE)) if text.strip() else None

    def fingerprint(self, api_key: str) -> str:
        """Return what tells a key from others and nothing else about it, in 64 hexadecimal digits."""
        return hmac.new(self._secret, _FINGERPRINT + api_key.encode(), hashlib.sha256).hexdigest()

    def check_value(self) -> str:
        """Return what the database may know of the pepper."""
        return hmac.new(self._secret, _CANARY, hashlib.sha256).hexdigest()


def verify(pepper: Pepper | None, database: Database) -> None:
    """Remember the first pepper; raise KeyRefused if it is not the one that fingerprints were made with."""
    if pepper is not None:
        with database.transaction() as uow:
            uow.keys.remember_pepper(pepper.check_value())
    with database.transaction() as uow:
        known = uow.keys.pepper()
    if known is not None and (pepper is None or not hmac.compare_digest(known, pepper.check_value())):
        wrong = "is not set" if pepper is None else "is not the one"
        raise KeyRefused(f"KEY_PEPPER {wrong}, and this database has fingerprints made with one: restore it.")
