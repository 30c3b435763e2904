"""What the code needs of master keys, wherever they are kept: in the settings, or in a key management service."""

from collections.abc import Mapping
from typing import Protocol


class MasterKeys(Protocol):
    """Wraps the data keys of secrets under master keys that have names.

    One that is kept elsewhere raises DatabaseUnavailable while it cannot be reached: then messages wait.
    """

    def check_values(self) -> Mapping[str, str]:
        """Return by name what the database may know of each key: 64 hexadecimal digits that only the key gives."""

    def wrap(self, key_id: str, data_key: bytes, bound: bytes) -> bytes:
        """Encrypt a data key under the named master key, bound to its place; KeyRefused if that key is not here."""

    def unwrap(self, key_id: str, wrapped: bytes, bound: bytes) -> bytes:
        """Decrypt what `wrap` made; SecretUnreadable if the key is not here, or was not the one, or not the place."""
