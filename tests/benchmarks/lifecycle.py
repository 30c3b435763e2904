"""Batches of messages of an instance's life, for workers and for pgbench alike.

Both sides run the repositories' own statements, on rows of the same shape with ids of the same order,
and are timed by the same clock: the time that each transaction writes into its inbox row.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from db.lifecycle import START
from db.repositories import inbox, instances
from db.repositories.transitions import STATEMENTS
from db.statement import Statement
from producers import CreateInstance, InstanceStarted, Message

from .stage import Stage

MESSAGE, INSTANCE, USER = "70008000", "70009000", "7000a000"
"""What follows the time in an id of version 7; the number follows this."""

_INSTANCES_PER_USER: Final = 5  # the limit is ten
_CONFIG: Final = {"region": "eu"}
_PROCESS_ID: Final = 4242


@dataclass(frozen=True)
class Kind:
    """A message whose transaction is measured.

    ``effect`` counts what the messages have done, ``differing`` is SQL over ``:stem`` and ``:n`` for what
    differs.
    """

    contract: type[Message]
    make: "Callable[[Batch, int], Message]"
    rows: bytes
    effect: bytes
    statements: tuple[Statement, ...]
    constants: Mapping[str, str]
    differing: Mapping[str, str]


@dataclass(frozen=True)
class Batch:
    """Messages with the numbers below ``count``, and the rows that they need."""

    kind: Kind
    moment: datetime
    count: int

    @classmethod
    def prepare(cls, stage: Stage, kind: Kind, count: int) -> "Batch":
        """Make the rows that the messages of a new batch need."""
        batch = cls(kind, datetime.now(UTC), count)
        analyze = b"ANALYZE users, mcp_instances, port_allocations, user_service_instances, health_targets"
        for statement in (_FLEET, _USERS, kind.rows, analyze):
            stage.sql.execute(statement, batch.values if statement.count(b"%(") else None)
        return batch

    @property
    def values(self) -> dict[str, object]:
        """Give what the statements that make and count rows are told."""
        return {"stem": self.stem, "host": self.host, "count": self.count, "users": self.users}

    @property
    def stem(self) -> str:
        """The twelve digits that its ids begin with: the time, as in every id of version 7."""
        return f"{int(self.moment.timestamp() * 1000):012x}"

    @property
    def host(self) -> str:
        """A host of its own, whose ports no other batch leases."""
        return f"bench-{self.stem}"

    @property
    def users(self) -> int:
        """How many users own its instances; neighbours never have the same."""
        return max(1, self.count // _INSTANCES_PER_USER)

    def id(self, place: str, number: int) -> UUID:
        """Give the id of a message, an instance or a user."""
        return UUID(f"{self.stem}{place}{number:012x}")

    @property
    def bounds(self) -> tuple[UUID, UUID]:
        """The first and the last id of its messages."""
        return self.id(MESSAGE, 0), self.id(MESSAGE, self.count - 1)

    def messages(self) -> list[Message]:
        """Give all messages in their order."""
        return [self.kind.make(self, number) for number in range(self.count)]

    def variables(self) -> dict[str, str]:
        """Give the values of the statements' parameters that are the same for all messages."""
        moment = self.moment.isoformat()
        common = {"stem": self.stem, "host_id": self.host, "users": str(self.users), "at": moment}
        claim = {"wire_name": self.kind.contract.wire_name, "outcome": "applied"}
        return {**common, **claim, "process_started_at": moment, **self.kind.constants}

    def rate(self, stage: Stage) -> float:
        """Give the messages per second from the first to the last; raise unless each had its effect."""
        ((applied, seconds),) = stage.sql.execute(_SPAN, self.bounds).fetchall()
        ((effects,),) = stage.sql.execute(self.kind.effect, self.values).fetchall()
        if not applied == effects == self.count:
            raise ValueError(f"of {self.count} messages {applied} were applied and {effects} had their effect")
        return (self.count - 1) / float(seconds)


def _start(batch: Batch, number: int) -> InstanceStarted:
    return InstanceStarted(
        message_id=batch.id(MESSAGE, number),
        occurred_at=batch.moment,
        instance_id=batch.id(INSTANCE, number),
        host_id=batch.host,
        process_id=_PROCESS_ID,
        process_started_at=batch.moment,
    )


def _create(batch: Batch, number: int) -> CreateInstance:
    return CreateInstance(
        message_id=batch.id(MESSAGE, number),
        occurred_at=batch.moment,
        instance_id=batch.id(INSTANCE, number),
        user_id=batch.id(USER, number % batch.users),
        mcp_type="figma",
        duration_minutes=60,
        name="bench",
        host_id=batch.host,
        config=dict(_CONFIG),
        access_token_hash=f"{batch.stem}{number:052x}",
        access_token_hint="wxyz",
    )


def numbered(place: str, number: str = "CAST(:n AS integer)", digits: int = 12) -> str:
    return f"(:stem || '{place}' || lpad(to_hex({number}), {digits}, '0'))"


def array(value: str) -> str:
    """One message is a set of one."""
    return f"ARRAY[{value}]"


_SPAN: Final = b"""
SELECT count(*), extract(epoch FROM max(created_at) - min(created_at)) FROM inbox WHERE message_id BETWEEN %s AND %s
"""
EFFECTS: Final = b"SELECT count(*) FROM mcp_instances WHERE host_id = %(host)s AND "
# In an empty table PostgreSQL reads all of it, and goes on doing so when it is empty no more.
_FLEET: Final = b"""
WITH owner AS (
    INSERT INTO users (email, name) SELECT 'ended@example.org', 'Ada' WHERE NOT EXISTS (SELECT FROM mcp_instances)
    RETURNING id
)
INSERT INTO mcp_instances (user_id, mcp_type_id, status, host_id, access_token_hash, access_url, expires_at)
SELECT owner.id, mcp_types.id, 'expired', 'ended', lpad(to_hex(n), 64, '0'), 'http://localhost', now()
  FROM owner, mcp_types, generate_series(1, 20000) n WHERE mcp_types.name = 'figma'
"""
_USERS: Final = b"""
INSERT INTO users (id, email, name)
SELECT (%(stem)s || '7000a000' || lpad(to_hex(n), 12, '0'))::uuid, %(stem)s || '-' || n || '@example.org', 'Ada'
  FROM generate_series(0, %(users)s - 1) n
"""
PENDING: Final = b"""
INSERT INTO mcp_instances (id, user_id, mcp_type_id, host_id, access_token_hash, access_url, assigned_port, expires_at)
SELECT (%(stem)s || '70009000' || lpad(to_hex(n), 12, '0'))::uuid,
       (%(stem)s || '7000a000' || lpad(to_hex(n %% %(users)s), 12, '0'))::uuid, mcp_types.id, %(host)s,
       %(stem)s || lpad(to_hex(n), 52, '0'), 'http://localhost', 3001 + n, now() + interval '1 hour'
  FROM generate_series(0, %(count)s - 1) n, mcp_types WHERE mcp_types.name = 'figma'
"""
_PORTS: Final = b"""
INSERT INTO port_allocations (host_id, port) SELECT %(host)s, 3001 + n FROM generate_series(0, %(count)s - 1) n
"""

_NO_REQUESTER: Final = {"ip_address": "NULL", "user_agent": "NULL"}

STARTED: Final = Kind(
    contract=InstanceStarted,
    make=_start,
    rows=PENDING,
    effect=EFFECTS + b"status = 'running'",
    statements=(inbox._ENTER, STATEMENTS[START]),
    constants={"process_id": str(_PROCESS_ID), "details": json.dumps({"process_id": _PROCESS_ID})},
    differing={"message_id": numbered(MESSAGE), "instance_id": numbered(INSTANCE), **_NO_REQUESTER},
)
CREATED: Final = Kind(
    contract=CreateInstance,
    make=_create,
    rows=_PORTS,
    effect=EFFECTS + b"status = 'pending'",
    statements=(inbox._ENTER, instances._CREATE),
    constants={},
    differing={
        "message_id": numbered(MESSAGE),
        "instance_ids": array(numbered(INSTANCE)),
        "user_ids": array(numbered(USER, "CAST(:n AS integer) % CAST(:users AS integer)")),
        "mcp_types": array("'figma'"),
        "minutes": array("60"),
        "names": array("'bench'"),
        "host_ids": array(":host_id"),
        "configs": array("'" + json.dumps(_CONFIG) + "'"),
        "token_hashes": array(numbered("", digits=52)),
        "token_hints": array("'wxyz'"),
        "ats": array(":at"),
        "ip_addresses": array("NULL"),
        "user_agents": array("NULL"),
    },
)
