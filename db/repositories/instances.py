"""Instances, the ports they lease and the events they leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from db.errors import Conflict, PortsMissing, UnknownInstance, UnknownType, UnknownUser
from db.lifecycle import DELETE, DISCONNECT, EXPIRE, FAIL, GIVE_UP, RECONNECT, RENEW, RESTORE, START, Transition
from db.repositories.transitions import STATEMENTS, parts_of
from db.statement import Driver, Statement, from_file
from db.storable import storable, storable_json

_CREATE: Final = from_file("instances.create")
_RESTORE: Final = from_file("instances.restore", parts=parts_of(RESTORE))
_RECONNECT: Final = from_file("instances.reconnect", parts=parts_of(RECONNECT))
_EXPIRE_DUE: Final = from_file("instances.expire_due", parts=parts_of(EXPIRE))
_GIVE_UP_DUE: Final = from_file("instances.give_up_due", parts=parts_of(GIVE_UP))
_MOVE_PORT: Final = from_file("instances.move_port")
_ACCESS: Final = from_file("instances.access")
_REPORT_STATS: Final = from_file("instances.report_stats")


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
    by: "Requester | None" = None


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
class Requester:
    """Where a request came from, as far as its sender tells."""

    ip_address: str | None = None
    user_agent: str | None = None

    def values(self) -> dict[str, str | None]:
        """Give the values that every event binds."""
        return {"ip_address": self.ip_address, "user_agent": self.user_agent}


NOBODY: Final = Requester()


@dataclass(frozen=True, slots=True)
class Stats:
    """What a process uses, and when it did."""

    at: datetime
    stats: Mapping[str, object]


class Instances:
    """Transitions are decided by the state in the database, never by a read before."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def create(self, new: NewInstance) -> CreatedState:
        """Create a pending instance with a port, or one in error that says what stood in the way.

        Raises UnknownUser or UnknownType, and PortsMissing for a host that is new; they leave nothing behind.
        """
        return self.create_all([new])[0]

    def create_all(self, news: Sequence[NewInstance]) -> list[CreatedState]:
        """Create instances as `create` would one after the other; the first that it refuses is raised.

        Raises Conflict when what came of one depends on how another ended: create them one by one.
        """
        rows = _CREATE.run(self._driver, **_columns(news)).fetchall()
        states, over_limit, without_port = [], set[UUID](), set[UUID]()
        for new, (*exist, is_over_limit, found_no_port, is_in_doubt, status, port, url, expires_at, error) in zip(
            news, rows, strict=True
        ):
            _refuse_unknown(new, exist)
            if is_in_doubt:
                raise Conflict(f"Others are about to lease what is free on the host {new.host_id}, or to give it back.")
            over_limit |= {new.user_id} if is_over_limit else set()
            without_port |= {new.user_id} if found_no_port else set()
            states.append(CreatedState(status, port, url, expires_at, error))
        if over_limit & without_port:
            # A wish that finds no port takes nothing from its user's limit, which the statement cannot know beforehand.
            raise Conflict("What came of some wishes depends on others of the same user.")
        return states

    def start(self, instance_id: UUID, *, process: Process, at: datetime) -> bool:
        """Set a pending instance running on its host; False, and an event, if it is not pending there."""
        details = {"host_id": process.host_id, "process_id": process.process_id}
        return self._move(
            START,
            instance_id,
            at,
            details,
            host_id=process.host_id,
            process_id=process.process_id,
            process_started_at=process.started_at,
        )

    def renew(self, instance_id: UUID, *, minutes: int | None, at: datetime, by: Requester = NOBODY) -> bool:
        """Give a running instance more time, never less than it has and never more than its type allows."""
        return self._move(RENEW, instance_id, at, {"minutes": minutes}, by, duration_minutes=minutes)

    def fail(self, instance_id: UUID, *, error: str, at: datetime) -> bool:
        """Set a live instance to error and give its port back; False, and an event, if it is not live."""
        error = storable(error)
        return self._move(FAIL, instance_id, at, {"error": error}, error=error)

    def move_port(self, instance_id: UUID, *, error: str, at: datetime) -> bool:
        """Set the port of a pending instance aside and lease it the next one; in error if there is none."""
        return self._run(_MOVE_PORT, instance_id, error=storable(error), at=at)

    def disconnect(self, instance_id: UUID, *, reason: str | None, at: datetime) -> bool:
        """Set a live instance to disconnected and give its port back; False, and an event, if it is not live."""
        return self._move(DISCONNECT, instance_id, at, {"reason": reason})

    def reconnect(self, instance_id: UUID, *, at: datetime) -> bool:
        """Set a disconnected instance running on the port it had; False, and an event that says why not."""
        return self._run(_RECONNECT, instance_id, at=at)

    def restore(self, instance_id: UUID, *, minutes: int | None, at: datetime, by: Requester = NOBODY) -> bool:
        """Set an instance that has ended back to pending, with a port; False, and an event that says why not."""
        return self._run(_RESTORE, instance_id, duration_minutes=minutes, at=at, **by.values())

    def delete(self, instance_id: UUID, *, reason: str | None, at: datetime, by: Requester = NOBODY) -> bool:
        """Delete an instance softly and give its port back; False, and an event, if it was deleted before."""
        return self._move(DELETE, instance_id, at, {"reason": reason}, by)

    def access(self, accesses: Mapping[UUID, datetime]) -> None:
        """Note when instances were last used; the newest time stays.  Raises UnknownInstance."""
        self._known(_ACCESS, accesses, ids=list(accesses), ats=list(accesses.values()))

    def report_stats(self, reports: Mapping[UUID, Stats]) -> None:
        """Keep what processes use; the newest report stays.  Raises UnknownInstance."""
        self._known(
            _REPORT_STATS,
            reports,
            ids=list(reports),
            ats=[report.at for report in reports.values()],
            stats=[storable_json(dict(report.stats)) for report in reports.values()],
        )

    def expire_due(self, limit: int = 500) -> list[UUID]:
        """Expire live instances whose time is over and give their ports back; locked ones wait for the next call."""
        return [row[0] for row in _EXPIRE_DUE.run(self._driver, limit=limit)]

    def give_up_due(self, limit: int = 500) -> list[UUID]:
        """Set instances that were pending for too long to error and give their ports back."""
        return [row[0] for row in _GIVE_UP_DUE.run(self._driver, limit=limit)]

    def _move(
        self,
        transition: Transition,
        instance_id: UUID,
        at: datetime,
        details: Mapping[str, object],
        by: "Requester | None" = None,
        **values: object,
    ) -> bool:
        said = {key: value for key, value in details.items() if value is not None}
        by = by or NOBODY
        statement = STATEMENTS[transition]
        return self._run(statement, instance_id, at=at, details=storable_json(said), **by.values(), **values)

    def _run(self, statement: Statement, instance_id: UUID, **values: object) -> bool:
        row = statement.run(self._driver, instance_id=instance_id, **values).fetchone()
        if row is None:
            raise UnknownInstance(f"There is no instance {instance_id}.")
        return bool(row[0])

    def _known(self, statement: Statement, wanted: Mapping[UUID, object], **values: object) -> None:
        missing = wanted.keys() - {row[0] for row in statement.run(self._driver, **values)}
        if missing:
            raise UnknownInstance(f"There is no instance {min(missing)}.")


def _refuse_unknown(new: NewInstance, exist: Sequence[bool]) -> None:
    has_user, has_type, has_host = exist
    if not has_user:
        raise UnknownUser(f"There is no active user {new.user_id}.")
    if not has_type:
        raise UnknownType(f"There is no type of MCP server called {new.mcp_type!r}.")
    if not has_host:
        raise PortsMissing(new.host_id)


def _columns(news: Sequence[NewInstance]) -> dict[str, list[object]]:
    by = [(new.by or NOBODY) for new in news]
    return {
        "instance_ids": [new.id for new in news],
        "user_ids": [new.user_id for new in news],
        "mcp_types": [new.mcp_type for new in news],
        "minutes": [new.duration_minutes for new in news],
        "names": [new.name for new in news],
        "host_ids": [new.host_id for new in news],
        "configs": [storable_json(dict(new.config or {})) for new in news],
        "token_hashes": [new.access_token_hash for new in news],
        "token_hints": [new.access_token_hint for new in news],
        "ats": [new.requested_at for new in news],
        "ip_addresses": [each.ip_address for each in by],
        "user_agents": [each.user_agent for each in by],
    }
