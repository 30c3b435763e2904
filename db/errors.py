"""What the database may answer, in our words.

DatabaseError
├── DatabaseUnavailable      no connection, or the server is starting, stopping, full or read-only: wait, try again
│   └── OutOfSpace           the server has no disk or memory left: wait, try again
├── Conflict                 a deadlock, a serialization failure or a lock timeout: try again at once
├── PartitionMissing         no partition takes the row: make it, try again
├── PortsMissing             the host has no ports yet: open it, try again
├── DataRefused              the data or the statement is wrong: it will never succeed
│   ├── ValueRefused         a CHECK says no: choose another value
│   ├── ValueTaken           another row has it: choose another, or that row
│   └── ReferenceMissing     what it refers to is not there, or is still referred to
├── UnusableUrl              the URL of the database cannot be read
├── SchemaNotAtHead          the migrations and this code are not of one version
├── UnsafeRole               the login may do too much or too little
├── KeyRefused               the master keys of this process are not those of the database
├── KeyInUse                 secrets are still under a master key that was to be retired
├── SecretUnreadable         a stored secret cannot be decrypted with the keys of this process
├── MigrationRefused         the database is not in a state that a migration may change
└── Refusal                  a rule of the domain says no
    ├── UnknownUser
    ├── UnknownType
    ├── UnknownService
    ├── UnknownKey
    ├── UnknownInstance
    └── UserHeld
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy import exc as sa

from db.remedies import remedy


class DatabaseError(Exception):
    """Something went wrong at or on the way to PostgreSQL."""

    def __init__(self, sentence: str, *, sqlstate: str | None = None) -> None:
        """Keep the sentence for people and the SQLSTATE for code."""
        super().__init__(sentence)
        self.sentence = sentence
        self.sqlstate = sqlstate


class DatabaseUnavailable(DatabaseError):
    """The server cannot serve now; the same transaction may succeed later."""


class OutOfSpace(DatabaseUnavailable):
    """The server has run out of disk or memory; someone must make room."""


class Conflict(DatabaseError):
    """Another transaction was in the way; the same transaction may succeed at once."""


class PartitionMissing(DatabaseError):
    """No partition of `table` takes one of the rows, whose times are `at` (None if they are not known)."""

    def __init__(self, sentence: str, *, table: str | None, at: Sequence[datetime] | None) -> None:
        """Keep what is needed to make the partition."""
        super().__init__(sentence, sqlstate="23514")
        self.table = table
        self.at = at


class PortsMissing(DatabaseError):
    """The host is new: it has no ports to lease."""

    def __init__(self, host_id: str) -> None:
        """Keep the host that is to be opened."""
        super().__init__(f"The host {host_id} has no ports yet.")
        self.host_id = host_id


class DataRefused(DatabaseError):
    """The data breaks a type, a privilege or the constraint that is named."""

    def __init__(self, sentence: str, *, constraint: str | None, sqlstate: str | None) -> None:
        """Keep the name of the constraint, which tells the cause apart."""
        super().__init__(sentence, sqlstate=sqlstate)
        self.constraint = constraint


class ValueRefused(DataRefused):
    """A value makes no sense; the sentence says which would."""


class ValueTaken(DataRefused):
    """Another row has what only one may have."""


class ReferenceMissing(DataRefused):
    """The row refers to one that is not there, or is one that others refer to."""


class UnusableUrl(DatabaseError):
    """The URL of the database cannot be read."""


class SchemaNotAtHead(DatabaseError):
    """The schema is not at the revision that this code was written for."""


class UnsafeRole(DatabaseError):
    """The login is not one that may run MiniMCP."""


class KeyRefused(DatabaseError):
    """The master keys of this process cannot read the secrets of this database."""


class KeyInUse(DatabaseError):
    """A master key cannot be retired: it is active, or secrets are still under it."""


class SecretUnreadable(DatabaseError):
    """A stored secret cannot be decrypted: its master key is not here, or it is not this row's."""


class MigrationRefused(DatabaseError):
    """The database is not in a state that a migration may change."""


class Refusal(DatabaseError):
    """A rule of the domain says no; `reason` is for code, `sentence` for people."""

    reason: str = "refused"

    early: bool = False
    """Whether the rule may say yes in a moment, because messages overtake each other."""


class UnknownUser(Refusal):
    """The user does not exist, is deleted or is not active."""

    reason = "unknown-user"


class UnknownType(Refusal):
    """No type of MCP server has that name."""

    reason = "unknown-type"


class UnknownService(Refusal):
    """No shared service has that name."""

    reason = "unknown-service"
    early = True


class UnknownKey(Refusal):
    """The user has no key of that kind."""

    reason = "unknown-key"
    early = True


class UnknownInstance(Refusal):
    """No instance has that id."""

    reason = "unknown-instance"
    early = True


class UserHeld(Refusal):
    """A legal hold keeps what is the user's."""

    reason = "user-held"


_BY_STATE: Final[dict[str, type[DatabaseError]]] = {
    "40001": Conflict,
    "40P01": Conflict,
    "55P03": Conflict,
    "53100": OutOfSpace,
    "53200": OutOfSpace,
    "53300": DatabaseUnavailable,
    # A standby answers this after a failover, until the pool has found the new primary.
    "25006": DatabaseUnavailable,
    "25P03": DatabaseUnavailable,
}
_REFUSED_BY_CONSTRAINT: Final[dict[str, type[DataRefused]]] = {
    "23514": ValueRefused,
    "23505": ValueTaken,
    "23503": ReferenceMissing,
    # What PostgreSQL 18 answers where older ones answer 23503: something is still referred to.
    "23001": ReferenceMissing,
}
_LONGEST_MESSAGE: Final = 500
_UNAVAILABLE: Final = ("08", "57P")
_REFUSED: Final = ("22", "23", "42")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FAILING_KEY: Final = re.compile(r"= \((?P<key>[^()]+)\)")


def translate(error: BaseException) -> DatabaseError | None:
    """Return the error in our words, or None when it does not come from the database.

    Only the server's primary message is kept: its DETAIL quotes whole rows, which may hold what no log may show.
    """
    if isinstance(error, sa.TimeoutError):
        return DatabaseUnavailable(
            "All connections of this process are in use: raise pool_size or lower the number of threads."
        )
    if isinstance(error, sa.DBAPIError) and isinstance(error.orig, BaseException):
        error = error.orig
    return _translate_driver(error) if isinstance(error, psycopg.Error) else None


@contextmanager
def telling_times(table: str, times: Iterable[datetime]) -> Iterator[None]:
    """Have a missing partition of the table say which times its rows have, which the server keeps to itself."""
    try:
        yield
    except psycopg.errors.CheckViolation as error:
        if error.diag.constraint_name is not None:
            raise
        raise PartitionMissing(f"A partition of {table} is missing.", table=table, at=sorted(set(times))) from None


def _translate_driver(error: psycopg.Error) -> DatabaseError:
    state = error.sqlstate
    message = error.diag.message_primary or _in_one_line(error)
    if state is None:
        return _without_state(error, message)
    if state == "23514" and error.diag.constraint_name is None:
        return _partition_missing(error, message)
    kind = _BY_STATE.get(state)
    if kind is None and state.startswith(_UNAVAILABLE):
        kind = DatabaseUnavailable
    if kind is None and state.startswith(_REFUSED):
        return _refused(state, message, error.diag.constraint_name)
    return (kind or DatabaseError)(f"PostgreSQL answered: {message} ({state}).", sqlstate=state)


def _refused(state: str, message: str, constraint: str | None) -> DataRefused:
    kind = _REFUSED_BY_CONSTRAINT.get(state, DataRefused)
    advice = remedy(constraint) if constraint else None
    sentence = f"{advice} ({constraint})." if advice else f"PostgreSQL refused the data: {message} ({state})."
    return kind(sentence, constraint=constraint, sqlstate=state)


def _without_state(error: psycopg.Error, message: str) -> DatabaseError:
    if isinstance(error, psycopg.DataError):
        return DataRefused(f"The driver refused the data: {message}.", constraint=None, sqlstate=None)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return DatabaseUnavailable(
            f"PostgreSQL cannot be reached ({message}): check that it runs and that its URL is right."
        )
    return DatabaseError(f"The driver answered: {message}.")


def _partition_missing(error: psycopg.Error, message: str) -> PartitionMissing:
    # The server names the key only where no row level security is.
    found = _FAILING_KEY.search(error.diag.message_detail or "")
    at = _time_of_key(found["key"]) if found else None
    return PartitionMissing(f"{message}.", table=error.diag.table_name, at=None if at is None else [at])


def _time_of_key(key: str) -> datetime | None:
    try:
        if _UUID.fullmatch(key):
            return datetime.fromtimestamp((UUID(key).int >> 80) / 1000, UTC)
        return datetime.fromisoformat(key)
    except (ValueError, OverflowError):
        return None


def _in_one_line(error: psycopg.Error) -> str:
    return " ".join(str(error).split())[:_LONGEST_MESSAGE].rstrip(".") or type(error).__name__
