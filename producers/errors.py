"""What can go wrong on the way to the bus.

    ProducerError
    ├── InvalidMessage        a field is missing, unknown or wrong; nothing was sent
    │   └── MessageTooLarge   the envelope is over the size limit; nothing was sent
    ├── InvalidUrl            the URL of Redis cannot be used; nothing was sent
    ├── InvalidSealingKey     the text is no public sealing key; nothing was sent
    ├── SealingUnavailable    this producer cannot seal keys; nothing was sent
    ├── ExtraMissing          a command needs an extra of the distribution that is not installed
    ├── InsecureAddress       a command would listen to strangers
    ├── UnsuitableRedis       Redis answers, but must not carry messages as it is set up
    ├── BrokerUnavailable     Redis cannot be reached or refuses; the message may or may not be on the bus
    ├── BrokerFull            Redis is out of memory; nothing was sent
    │   └── QueueFull         too many messages wait in the queue; nothing was sent
    └── NotDurable            sent, but not known to be on disk within the time given

After ``BrokerUnavailable`` and ``NotDurable`` send the same message object again: its id is the
same, so it is applied once.
"""

from collections.abc import Iterator
from typing import Final

from pydantic import ValidationError

_MOST_PROBLEMS: Final = 10
_LONGEST_PLACE: Final = 100

# Where pydantic's own sentence repeats a part of the value, or says less than it could.
_OWN_WORDS: Final = {
    "uuid_parsing": "Input should be a valid UUID",
    "string_unicode": "is not valid Unicode",
}


class ProducerError(Exception):
    """Base of every error that a producer raises."""


class InvalidMessage(ProducerError, ValueError):
    """A message does not fit its contract; the fields that do not are named, never their values."""

    @classmethod
    def from_validation(cls, name: str, error: ValidationError) -> "InvalidMessage":
        """Say which fields are wrong and why, without repeating what was in them."""
        problems = list(_problems(error))
        more = len(problems) - _MOST_PROBLEMS
        told = "; ".join(problems[:_MOST_PROBLEMS])
        return cls(f"{name} does not fit its contract: {told}{f'; and {more} more' if more > 0 else ''}")


class MessageTooLarge(InvalidMessage):
    """The envelope of a message is larger than the bus accepts; send it in smaller batches."""


class InvalidUrl(ProducerError, ValueError):
    """The URL of Redis cannot be used; the sentence does not repeat it, since it may hold a password."""


class InvalidSealingKey(ProducerError, ValueError):
    """The text is no public sealing key; the sentence does not repeat it, since it may be a private one."""


class SealingUnavailable(ProducerError):
    """This producer cannot seal: it has no public sealing key, or `cryptography` is not installed."""


class ExtraMissing(ProducerError):
    """A command needs packages that only an extra of the distribution brings; the sentence names it."""


class InsecureAddress(ProducerError):
    """A command would take what anybody sends; give it a token, or say that this is wanted."""


class UnsuitableRedis(ProducerError):
    """Redis answers, but could drop messages or lacks a command; the sentence says what to change."""


class BrokerUnavailable(ProducerError):
    """Redis cannot be reached or refuses; check REDIS_URL and the server, then send the same message again."""


class BrokerFull(ProducerError):
    """Redis has reached its memory limit; slow down or start more workers, then send again."""


class QueueFull(BrokerFull):
    """More messages wait in a queue than shall; slow down or start more workers, then send again."""


class NotDurable(ProducerError):
    """Redis took the message but did not report it on disk in time; check that appendonly is on."""


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        place = ".".join(map(str, problem["loc"])) or "message"
        if len(place) > _LONGEST_PLACE:
            place = f"{place[:_LONGEST_PLACE]}…"
        sentence = _OWN_WORDS.get(problem["type"], problem["msg"]).removeprefix("Value error, ")
        yield f"{place}: {sentence}"
