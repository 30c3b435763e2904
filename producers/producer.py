"""The producer: how other services speak to MiniMCP."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self, TypeVar
from uuid import UUID

from pydantic import JsonValue

from . import message_id as ids
from .broker import MOST_WAITING, RedisTransport, Sealed, Transport
from .envelope import COMPRESS_FROM, seal
from .errors import InvalidMessage, SealingUnavailable
from .message import Message
from .messages.instances import CreateInstance, DeleteInstance, RenewInstance, RestoreInstance
from .messages.keys import RevokeApiKey, StoreApiKey
from .messages.services import DeprovisionService, ProvisionService
from .pace import Pace
from .queues import Queue
from .sealing import UNSEALED, Sealable, SealingKey

K = TypeVar("K", bound=Sealable)

SHARE_PER_SECOND: Final = 500.0
"""Lines of one instance a second, over ten seconds, that no other need wait for."""

_SHARE_BYTES: Final = 16


@dataclass(frozen=True)
class CreatedInstance:
    """What the caller of ``create_instance`` needs; the access token is shown this once."""

    instance_id: UUID
    access_token: str = field(repr=False)
    message_id: UUID


@dataclass(frozen=True)
class ProvisionedService:
    """What the caller of ``provision_service`` needs; who knows the share's id may use the service."""

    share_id: str
    message_id: UUID


class Producer:
    """Sends messages to the bus; one per process, shared by its threads.

    Delivery is at least once and the effect is once: after ``BrokerUnavailable`` send the same
    message object again.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        sealing_key: SealingKey | None = None,
        compress_from: int = COMPRESS_FROM,
        share_per_second: float | None = SHARE_PER_SECOND,
    ) -> None:
        self._transport = transport
        self._share = None if share_per_second is None else Pace(share_per_second)
        self._compress_from = compress_from
        self._sealing_key = sealing_key

    def send(self, message: Message, *, durable: bool = False) -> UUID:
        """Enqueue one message and give back its id.

        With ``durable`` the call returns only when Redis has it on disk (WAITAOF, at most 2 s).
        Raises ``MessageTooLarge``, ``BrokerUnavailable``, ``BrokerFull`` (``QueueFull`` is one) or ``NotDurable``.
        """
        self.send_many((message,), durable=durable)
        return message.message_id

    def send_many(self, messages: Iterable[Message], *, durable: bool = False) -> list[UUID]:
        """Enqueue messages in one round trip, all or none of each 5,000, and give back their ids.

        Raises as ``send`` does; nothing is sent when one of the messages is too large.
        """
        sealed = [self._sealed(message) for message in messages]
        self._transport.enqueue(sealed, durable=durable)
        return [UUID(message_id) for _, message_id, _ in sealed]

    def _sealed(self, message: Message) -> Sealed:
        queue = self._queue(message)
        data = seal(message, queue=queue, compress_from=self._compress_from)
        return queue.value, str(message.message_id), data

    def _queue(self, message: Message) -> Queue:
        """Give the queue of a message; who sends more than a share waits where only others of that kind do."""
        if message.bulk_queue is None or self._share is None:
            return message.queue
        behind = [self._share.behind(source, count) for source, count in message.sources().items()]
        return message.bulk_queue if any(behind) else message.queue

    def create_instance(
        self,
        *,
        user_id: UUID,
        mcp_type: str,
        duration: timedelta | None = None,
        name: str | None = None,
        host_id: str = "local",
        config: Mapping[str, JsonValue] | None = None,
        durable: bool = False,
    ) -> CreatedInstance:
        """Ask for an instance; its id and access token are known at once, its port when it is pending.

        ``duration`` is a whole number of minutes; without it the type's default applies.  Only the
        token's SHA-256 travels and is stored.
        """
        access_token = secrets.token_urlsafe(32)
        command = CreateInstance(
            instance_id=ids.new(),
            user_id=user_id,
            mcp_type=mcp_type,
            duration_minutes=_minutes(duration),
            name=name,
            host_id=host_id,
            config=dict(config or {}),
            access_token_hash=hashlib.sha256(access_token.encode()).hexdigest(),
            access_token_hint=access_token[-4:],
        )
        message_id = self.send(command, durable=durable)
        return CreatedInstance(command.instance_id, access_token, message_id)

    def delete_instance(self, instance_id: UUID, *, reason: str | None = None, durable: bool = False) -> UUID:
        """Ask for the end of an instance and give back the message's id."""
        return self.send(DeleteInstance(instance_id=instance_id, reason=reason), durable=durable)

    def renew_instance(self, instance_id: UUID, *, duration: timedelta | None = None, durable: bool = False) -> UUID:
        """Ask for more time for a running instance, counted from now, and give back the message's id.

        ``duration`` is a whole number of minutes; without it the default applies.
        """
        return self.send(RenewInstance(instance_id=instance_id, duration_minutes=_minutes(duration)), durable=durable)

    def restore_instance(self, instance_id: UUID, *, duration: timedelta | None = None, durable: bool = False) -> UUID:
        """Ask for an instance that has ended to live again, under its id and access token; gives the message's id.

        ``duration`` is as for ``create_instance``.
        """
        return self.send(RestoreInstance(instance_id=instance_id, duration_minutes=_minutes(duration)), durable=durable)

    def store_api_key(
        self,
        *,
        user_id: UUID,
        mcp_type: str,
        api_key: str,
        expires_at: datetime | None = None,
        durable: bool = False,
    ) -> UUID:
        """Store a user's key of a third party for a type, in place of an earlier one; gives the message's id.

        The key, at most 8,192 bytes in UTF-8, is sealed before it leaves this call.  Raises as ``send`` does, and
        ``SealingUnavailable`` when ``connect`` was given no sealing key.  Call it again if it fails: the newest wins.
        """
        wish = StoreApiKey(user_id=user_id, mcp_type=mcp_type, expires_at=expires_at, sealed_key=UNSEALED)
        return self.send(self.sealed(wish, api_key), durable=durable)

    def revoke_api_key(self, *, user_id: UUID, mcp_type: str, durable: bool = False) -> UUID:
        """Switch off a user's key for a type and give the message's id; what services said about it is forgotten."""
        return self.send(RevokeApiKey(user_id=user_id, mcp_type=mcp_type), durable=durable)

    def provision_service(
        self,
        *,
        user_id: UUID,
        service_type: str,
        api_key: str | None = None,
        config: Mapping[str, JsonValue] | None = None,
        durable: bool = False,
    ) -> ProvisionedService:
        """Give a user a share of a shared service; its id is known at once and is part of the URL that it gets.

        ``api_key`` is the user's key for the service, if it takes one: it is sealed as by ``store_api_key``.
        """
        share_id = f"{service_type}_{secrets.token_urlsafe(_SHARE_BYTES)}"
        wish = ProvisionService(
            user_id=user_id, share_id=share_id, service_type=service_type, config=dict(config or {})
        )
        message_id = self.send(wish if api_key is None else self.sealed(wish, api_key), durable=durable)
        return ProvisionedService(share_id, message_id)

    def deprovision_service(self, share_id: str, *, reason: str | None = None, durable: bool = False) -> UUID:
        """Give up a share of a shared service, and the key in it; gives the message's id."""
        return self.send(DeprovisionService(share_id=share_id, reason=reason), durable=durable)

    def sealed(self, message: K, api_key: str) -> K:
        """Give a message with the key sealed into it, for this message alone; its other fields stay."""
        if self._sealing_key is None:
            sentence = "the producer has no public sealing key: connect(url, sealing_key='NAME:hpke-public:BASE64')"
            raise SealingUnavailable(sentence)
        return message.sealed(api_key, self._sealing_key)

    def close(self) -> None:
        """Close the connections; nothing is buffered, so nothing is lost."""
        self._transport.close()

    def __enter__(self) -> Self:
        """Use the producer and close it at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the producer."""
        self.close()


def connect(
    url: str,
    *,
    sealing_key: str | None = None,
    compress_from: int = COMPRESS_FROM,
    share_per_second: float | None = SHARE_PER_SECOND,
    most_waiting: int = MOST_WAITING,
) -> Producer:
    """Make a producer for a ``redis://`` URL; the first ``send`` connects.

    ``sealing_key`` is the public key that the workers' operator gave out, ``NAME:hpke-public:BASE64``; only who sends
    keys needs it.  Payloads of ``compress_from`` bytes and more travel compressed.  Lines of an instance that prints
    more than ``share_per_second`` for a while wait in a queue of their own, so that others need not wait for them;
    None for no such queue.  ``send`` raises ``QueueFull`` while ``most_waiting`` messages wait in a queue.

    Raises ``InvalidUrl``, ``InvalidSealingKey`` or ``SealingUnavailable``.
    """
    parsed = None if sealing_key is None else SealingKey.parse(sealing_key)
    transport = RedisTransport(url, most_waiting=most_waiting)
    return Producer(transport, sealing_key=parsed, compress_from=compress_from, share_per_second=share_per_second)


def _minutes(duration: timedelta | None) -> int | None:
    if duration is None:
        return None
    minutes, rest = divmod(duration, timedelta(minutes=1))
    if rest:
        message = f"the duration is {duration}: give whole minutes"
        raise InvalidMessage(message)
    return minutes
