"""Instances as they stand, for whoever looks at them or has to reach them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement, from_file

_OVERVIEW: Final = from_file("fleet.overview", anew=True)
_ACTIVE: Final = from_file("fleet.active_of")
_BY_TOKEN: Final = Statement(
    "fleet.find_by_token",
    text(
        """
        SELECT id, user_id, host_id, status, access_url, expires_at FROM mcp_instances
         WHERE access_token_hash = :token_hash AND deleted_at IS NULL
        """
    ),
)
_RUNNING: Final = Statement(
    "fleet.running",
    text(
        """
        SELECT id, host_id, process_id, assigned_port, access_url, last_health_check FROM mcp_instances
         WHERE status = 'running' AND deleted_at IS NULL AND process_id IS NOT NULL AND id > :after
         ORDER BY id LIMIT CAST(:limit AS integer)
        """
    ),
)
_ON_PORT: Final = Statement(
    "fleet.on_port",
    text(
        """
        SELECT id FROM mcp_instances
         WHERE host_id = :host_id AND assigned_port = :port AND status IN ('pending', 'running') AND deleted_at IS NULL
        """
    ),
)
_OF_PROCESS: Final = Statement(
    "fleet.of_process",
    text(
        """
        SELECT id FROM mcp_instances
         WHERE process_id = :process_id AND host_id = :host_id AND status = 'running' AND deleted_at IS NULL
        """
    ),
)


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


class Fleet:
    """Reads instances; what becomes of them is decided in `instances`."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

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
