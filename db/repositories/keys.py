"""The master keys that this database knows by name."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from db.statement import Driver, Statement

_REGISTERED: Final = Statement(
    "keys.registered", text("SELECT key_id, check_value, status FROM encryption_keys WHERE status <> 'retired'")
)
_REGISTER: Final = Statement(
    "keys.register",
    # The unique index lets one key be active; whoever comes second is for reading.
    text(
        """
        INSERT INTO encryption_keys (key_id, check_value, status)
        SELECT CAST(:key_id AS text), CAST(:check_value AS text),
               CASE WHEN EXISTS (SELECT FROM encryption_keys WHERE status = 'active')
                    THEN 'decrypt_only' ELSE 'active' END
        ON CONFLICT DO NOTHING
        """
    ),
)


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A master key that secrets may be encrypted under."""

    key_id: str
    check_value: str
    status: str


class Keys:
    """What the database remembers of master keys."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def registered(self) -> list[RegisteredKey]:
        """Return the keys that are not retired."""
        return [RegisteredKey(*row) for row in _REGISTERED.run(self._driver)]

    def register(self, key_id: str, check_value: str) -> None:
        """Remember a key; the first one is active."""
        _REGISTER.run(self._driver, key_id=key_id, check_value=check_value)
