"""Keys of third parties travel sealed: whoever sends one holds a public key only and cannot read it back.

HPKE (RFC 9180), base mode, with X25519, HKDF-SHA256 and AES-256-GCM.  A sealed key opens only in the message that it
was sealed for: copied into another one, or to another user, it is refused.
"""

import base64
import binascii
import re
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import Field

from .errors import InvalidMessage, InvalidSealingKey, SealingUnavailable
from .message import Part
from .request import Request

MAX_KEY_BYTES: Final = 8_192
KEY_BYTES: Final = 32
PUBLIC_MARK: Final = "hpke-public"

_PURPOSE: Final = "minimcp sealed key 1"
# What HPKE adds: the encapsulated key of X25519 and the tag of AES-GCM.
_ADDED_BYTES: Final = 32 + 16
_NAME: Final = "[A-Za-z0-9._-]{1,64}"
_SHAPE: Final = f"NAME:{PUBLIC_MARK}:BASE64, as `python -m workers sealing-keys public` prints it"

KeyName = Annotated[str, Field(pattern=f"^{_NAME}$")]


def _base64_length(size: int) -> int:
    return (size + 2) // 3 * 4


class SealedKey(Part):
    """A key of a third party that only the workers can read."""

    recipient: KeyName = Field(description="The name of the public sealing key that it is sealed for.")
    ciphertext: str = Field(
        min_length=_base64_length(_ADDED_BYTES + 1),
        max_length=_base64_length(_ADDED_BYTES + MAX_KEY_BYTES),
        pattern="^[A-Za-z0-9+/]+={0,2}$",
        repr=False,
        description="Base64 of the encapsulated key followed by the ciphertext and its tag.",
    )


UNSEALED: Final = SealedKey.model_construct(recipient="", ciphertext="")
"""Stands in a message until its key is sealed for it."""


@dataclass(frozen=True)
class Binding:
    """The message that a sealed key belongs to; it opens nowhere else."""

    wire_name: str
    user_id: UUID
    subject: str
    message_id: UUID

    def info(self, recipient: str) -> bytes:
        """Give HPKE's `info`: each part behind its length in four bytes, so that none runs into the next."""
        parts = (_PURPOSE, recipient, self.wire_name, str(self.user_id), self.subject, str(self.message_id))
        return b"".join(len(part).to_bytes(4, "big") + part for part in map(str.encode, parts))


class Sealable(Request):
    """Base of the messages that may carry a key, which is bound to the user, to what it is for and to the message."""

    user_id: UUID = Field(description="Whose key it is.")

    @property
    @abstractmethod
    def subject(self) -> str:
        """Name what the key is for: a type of MCP server or a shared service."""

    @property
    def binding(self) -> Binding:
        """Tell where the key may be opened."""
        return Binding(self.wire_name, self.user_id, self.subject, self.message_id)

    def sealed(self, api_key: str, sealing_key: "SealingKey") -> Self:
        """Give the same message with a key in it."""
        return self.model_copy(update={"sealed_key": sealing_key.seal(api_key, self.binding)})


class KeyMessage(Sealable):
    """Base of the messages that carry a key."""

    sealed_key: SealedKey = Field(description="The key, sealed for the workers and for this message alone.")


Seal = Callable[[bytes, bytes, bytes], bytes]


@dataclass(frozen=True)
class SealingKey:
    """The public half of a pair of which the workers hold the other; it may be known to everybody."""

    name: str
    public: bytes
    _seal: Seal = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `NAME:hpke-public:BASE64`; raises ``InvalidSealingKey``, or ``SealingUnavailable`` at once."""
        name, _, rest = text.strip().partition(":")
        mark, _, encoded = rest.partition(":")
        # A private key has no mark: it must not be mistaken for a public one, and not be repeated.
        if mark != PUBLIC_MARK or not re.fullmatch(_NAME, name):
            raise InvalidSealingKey(f"this is no public sealing key: give it as {_SHAPE}")
        public = _decoded(encoded)
        if len(public) != KEY_BYTES:
            raise InvalidSealingKey(f"the sealing key {name} is not {KEY_BYTES} bytes in base64: give it as {_SHAPE}")
        return cls(name, public, _hpke())

    @property
    def text(self) -> str:
        """Give what `parse` reads."""
        return f"{self.name}:{PUBLIC_MARK}:{base64.b64encode(self.public).decode()}"

    def seal(self, api_key: str, binding: Binding) -> SealedKey:
        """Seal a key for one message; raises ``InvalidMessage`` without repeating it, or ``InvalidSealingKey``."""
        plaintext = _checked(api_key)
        try:
            sealed = self._seal(plaintext, self.public, binding.info(self.name))
        except ValueError:
            # `from None`: a few points of the curve, such as 0, are no key of anybody.
            raise InvalidSealingKey(f"the sealing key {self.name} cannot be sealed with: ask for it anew") from None
        return SealedKey(recipient=self.name, ciphertext=base64.b64encode(sealed).decode())


def _checked(api_key: str) -> bytes:
    try:
        plaintext = api_key.encode()
    except UnicodeEncodeError:
        # `from None`: the error of the codec holds the key.
        raise InvalidMessage("the API key is not valid Unicode: it has half of a surrogate pair") from None
    if not 0 < len(plaintext) <= MAX_KEY_BYTES:
        raise InvalidMessage(f"the API key has {len(plaintext):,} bytes: give between 1 and {MAX_KEY_BYTES:,}")
    return plaintext


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _hpke() -> Seal:
    try:
        seal: Seal = import_module(".hpke", __package__).seal
    except ModuleNotFoundError:
        raise SealingUnavailable(
            "sealing needs cryptography 47 or newer, which is not installed: pip install 'minimcp-producers[sealing]'"
        ) from None
    return seal
