"""The private halves of the pairs that keys of third parties travel sealed with."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from db.errors import Refusal
from db.named_keys import named_keys
from producers import SealedKey, SealingKey
from producers.hpke import open_sealed, seal
from producers.sealing import MAX_KEY_BYTES, Binding, KeyMessage

_SHAPE: Final = "NAME:BASE64 as `python -m workers sealing-keys new NAME` prints it"


class SealedForAnother(Refusal):
    """A key is sealed for a pair that this worker does not have."""

    reason = "sealed-for-another"
    # Another worker may have the pair already, or this one soon, while a new pair is rolled out.
    early = True


class SealedKeyRefused(Refusal):
    """A sealed key does not open in its message, or what is in it is no key."""

    reason = "sealed-key-refused"


@dataclass(frozen=True)
class SealingKeys:
    """Private sealing keys by name; several while one takes the place of another."""

    _keys: Mapping[str, X25519PrivateKey] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `NAME:BASE64,…`; KeyRefused says what is wrong without repeating a key."""
        keys = named_keys(text, setting="SEALING_KEYS", example=_SHAPE)
        return cls({name: X25519PrivateKey.from_private_bytes(key) for name, key in keys.items()})

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self._keys)

    def public(self) -> list[SealingKey]:
        """Give what producers may have of each."""
        return [SealingKey(name, key.public_key().public_bytes_raw(), seal) for name, key in self._keys.items()]

    def open(self, message: KeyMessage) -> str:
        """Give the key that a message carries; the refusals say nothing of what is in it."""
        return self.open_for(message.sealed_key, message.binding)

    def open_for(self, sealed_key: SealedKey, binding: Binding) -> str:
        """Give a sealed key that belongs to a message."""
        recipient = sealed_key.recipient
        private = self._keys.get(recipient)
        if private is None:
            known = f"SEALING_KEYS holds {', '.join(self._keys)}" if self._keys else "SEALING_KEYS is not set"
            raise SealedForAnother(
                f"The key is sealed for {recipient}, and {known}: give the workers that pair, or the sender the public "
                "half of theirs, and send a new message."
            )
        try:
            sealed = base64.b64decode(sealed_key.ciphertext, validate=True)
            plaintext = open_sealed(sealed, private, binding.info(recipient))
        except (InvalidTag, binascii.Error):
            raise SealedKeyRefused(
                f"The key does not open with {recipient}: it was changed on the way, or sealed for another message, "
                "user or purpose, or with another pair of that name. Have it sealed and sent anew."
            ) from None
        return _text(plaintext)


def new_private_key() -> str:
    """Make the private half of a pair, as it stands behind its name in SEALING_KEYS."""
    return base64.b64encode(X25519PrivateKey.generate().private_bytes_raw()).decode()


def _text(plaintext: bytes) -> str:
    try:
        text = plaintext.decode()
    except UnicodeDecodeError:
        # `from None`: the error of the codec holds the key.
        raise SealedKeyRefused("What is sealed is not text in UTF-8: have it sealed and sent anew.") from None
    if not 0 < len(plaintext) <= MAX_KEY_BYTES:
        raise SealedKeyRefused(f"What is sealed has {len(plaintext):,} bytes: give between 1 and {MAX_KEY_BYTES:,}.")
    return text
