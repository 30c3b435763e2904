"""Instances, the ports they lease and the events they leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.errors import UnknownInstance, UnknownType, UnknownUser
from db.statement import Driver, Statement, from_file
from db.storable import storable, storable_json

_CREATE: Final = from_file("instances.create")
_START: Final = from_file("instances.start")
_FAIL: Final = from_file("instances.fail")
_DELETE: Final = from_file("instances.delete")
_EXPIRE_DUE: Final = from_file("instances.expire_due")
_OVERVIEW: Final = from_file("instances.overview", anew=True)
_ACTIVE: Final = from_file("instances.active_of")
_BY_TOKEN: Final = Statement(
    "instances.find_by_token",
    text(
        """
        SELECT id, user_id, host_id, status, access_url, expires_at FROM mcp_instances
         WHERE access_token_hash = :token_hash AND deleted_at IS NULL
        """
    ),
)
_RUNNING: Final = Statement(
    "instances.running",
    text(
        """
        SELECT id, host_id, process_id, assigned_port, access_url, last_health_check FROM mcp_instances
         WHERE status = 'running' AND deleted_at IS NULL AND process_id IS NOT NULL AND id > :after
         ORDER BY id LIMIT CAST(:limit AS integer)
        """
    ),
)
_ON_PORT: Final = Statement(
    "instances.on_port",
    text(
        """
        SELECT id FROM mcp_instances
         WHERE host_id = :host_id AND assigned_port = :port AND status IN ('pending', 'running') AND deleted_at IS NULL
        """
    ),
)
_OF_PROCESS: Final = Statement(
    "instances.of_process",
    text(
        """
        SELECT id FROM mcp_instances
         WHERE process_id = :process_id AND host_id = :host_id AND status = 'running' AND deleted_at IS NULL
        """
    ),
)


@dataclass(frozen=True, slots=True)
class NewInstance:
    """An instance that a user asked for."""

    id: UUID
    user_id: UUID
    mcp_type: str
    access_token_hash: str
    access_token_hint: str | None
    requested_at: datetime
    duration_minutes: int | None = None
    name: str | None = None
    host_id: str = "local"
    config: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class CreatedState:
    """What came of asking: a pending instance with a port, or one in error with the reason."""

    status: str
    port: int | None
    access_url: str | None
    expires_at: datetime
    error_message: str | None


@dataclass(frozen=True, slots=True)
class Process:
    """The process of an instance on its host."""

    host_id: str
    process_id: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class InstanceState:
    """An instance with its type, its port and its latest verdict."""

    id: UUID
    user_id: UUID
    mcp_type: str
    name: str | None
    host_id: str
    status: str
    port: int | None
    access_url: str | None
    process_id: int | None
    expires_at: datetime
    created_at: datetime
    deleted_at: datetime | None
    error_message: str | None
    verdict: str | None
    consecutive_failures: int | None
    checked_at: datetime | None
    holds_port: bool


@dataclass(frozen=True, slots=True)
class ActiveInstance:
    """A live instance as its owner sees it."""

    id: UUID
    name: str | None
    mcp_type: str
    type_name: str
    icon_url: str | None
    status: str
    access_url: str | None
    access_token_hint: str | None
    port: int | None
    process_id: int | None
    expires_at: datetime
    last_accessed: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OpenedInstance:
    """What a token opens."""

    instance_id: UUID
    user_id: UUID
    host_id: str
    status: str
    access_url: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Running:
    """A process that is to be probed."""

    instance_id: UUID
    host_id: str
    process_id: int
    port: int | None
    access_url: str | None
    last_health_check: datetime | None


class Instances:
    """Transitions are decided by the state in the database, never by a read before."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def create(self, new: NewInstance) -> CreatedState:
        """Create a pending instance with a port, or one in error that says what stood in the way.

        Raises UnknownUser or UnknownType, which leave nothing behind.
        """
        row = _CREATE.run(
            self._driver,
            instance_id=new.id,
            user_id=new.user_id,
            mcp_type=new.mcp_type,
            duration_minutes=new.duration_minutes,
            name=new.name,
            host_id=new.host_id,
            config=storable_json(dict(new.config or {})),
            access_token_hash=new.access_token_hash,
            access_token_hint=new.access_token_hint,
            at=new.requested_at,
        ).fetchall()[0]
        user_exists, type_exists, *state = row
        if not user_exists:
            raise UnknownUser(f"There is no active user {new.user_id}.")
        if not type_exists:
            raise UnknownType(f"There is no type of MCP server called {new.mcp_type!r}.")
        return CreatedState(*state)

    def start(self, instance_id: UUID, *, process: Process, at: datetime) -> bool:
        """Set a pending instance running on its host; False, and an event, if it is not pending there."""
        return self._move(
            _START,
            instance_id,
            host_id=process.host_id,
            process_id=process.process_id,
            process_started_at=process.started_at,
            at=at,
        )

    def fail(self, instance_id: UUID, *, error: str, at: datetime) -> bool:
        """Set a live instance to error and give its port back; False, and an event, if it is not live."""
        return self._move(_FAIL, instance_id, error=storable(error), at=at)

    def delete(self, instance_id: UUID, *, reason: str | None, at: datetime) -> bool:
        """Delete an instance softly and give its port back; False, and an event, if it was deleted before."""
        return self._move(_DELETE, instance_id, reason=None if reason is None else storable(reason), at=at)

    def expire_due(self, limit: int = 500) -> list[UUID]:
        """Expire live instances whose time is over and give their ports back; locked ones wait for the next call."""
        return [row[0] for row in _EXPIRE_DUE.run(self._driver, limit=limit)]

    def get(self, instance_id: UUID) -> InstanceState | None:
        """Return an instance, deleted or not."""
        found = self.overview([instance_id])
        return found[0] if found else None

    def overview(self, instance_ids: Sequence[UUID] | None = None, *, limit: int = 1000) -> list[InstanceState]:
        """Return these instances, or the oldest ones, for people to look at."""
        ids = None if instance_ids is None else list(instance_ids)
        return [InstanceState(*row) for row in _OVERVIEW.run(self._driver, instance_ids=ids, limit=limit)]

    def active_of(self, user_id: UUID) -> list[ActiveInstance]:
        """Return a user's live instances, newest first; there are never more than the limit per user."""
        return [ActiveInstance(*row) for row in _ACTIVE.run(self._driver, user_id=user_id)]

    def find_by_token(self, token_hash: str) -> OpenedInstance | None:
        """Return what the token of that hash opens."""
        row = _BY_TOKEN.run(self._driver, token_hash=token_hash).fetchone()
        return None if row is None else OpenedInstance(*row)

    def running(self, *, after: UUID | None = None, limit: int = 500) -> list[Running]:
        """Return the processes to probe, by id: pass the last id of a page to get the next."""
        cursor = _RUNNING.run(self._driver, after=after or UUID(int=0), limit=limit)
        return [Running(*row) for row in cursor]

    def on_port(self, host_id: str, port: int) -> UUID | None:
        """Return the live instance on a port of a host."""
        row = _ON_PORT.run(self._driver, host_id=host_id, port=port).fetchone()
        return None if row is None else row[0]

    def of_process(self, host_id: str, process_id: int) -> UUID | None:
        """Return the running instance of a process of a host."""
        row = _OF_PROCESS.run(self._driver, host_id=host_id, process_id=process_id).fetchone()
        return None if row is None else row[0]

    def _move(self, statement: Statement, instance_id: UUID, **values: object) -> bool:
        row = statement.run(self._driver, instance_id=instance_id, **values).fetchone()
        if row is None:
            raise UnknownInstance(f"There is no instance {instance_id}.")
        return bool(row[0])
