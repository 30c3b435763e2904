"""What can go wrong on the way to the bus.

    ProducerError
    ├── InvalidMessage        a field is missing, unknown or wrong; nothing was sent
    │   └── MessageTooLarge   the envelope is over the size limit; nothing was sent
    ├── BrokerUnavailable     Redis cannot be reached; the message may or may not be on the bus
    ├── BrokerFull            Redis is out of memory; nothing was sent
    └── NotDurable            sent, but not known to be on disk within the time given

After ``BrokerUnavailable`` and ``NotDurable`` send the same message object again: its id is the
same, so it is applied once.
"""

from pydantic import ValidationError


class ProducerError(Exception):
    """Base of every error that a producer raises."""


class InvalidMessage(ProducerError, ValueError):
    """A message does not fit its contract; the fields that do not are named, never their values."""

    @classmethod
    def from_validation(cls, wire_name: str, error: ValidationError) -> "InvalidMessage":
        """Say which fields are wrong and why, without repeating what was in them."""
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'message'}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False, include_context=False)
        )
        return cls(f"{wire_name} does not fit its contract: {problems}")


class MessageTooLarge(InvalidMessage):
    """The envelope of a message is larger than the bus accepts; send it in smaller batches."""


class BrokerUnavailable(ProducerError):
    """Redis cannot be reached; check REDIS_URL and the server, then send the same message again."""


class BrokerFull(ProducerError):
    """Redis has reached its memory limit; slow down or start more workers, then send again."""


class NotDurable(ProducerError):
    """Redis took the message but did not report it on disk in time; is appendonly on?"""
