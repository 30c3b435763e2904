"""One transaction and the repositories that take part in it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from types import TracebackType
from typing import Self, cast

import psycopg
from sqlalchemy import Connection, Engine, PoolProxiedConnection
from sqlalchemy.exc import SQLAlchemyError

from db.errors import DatabaseError, translate
from db.repositories.archives import Archives
from db.repositories.cache import ValidationCache
from db.repositories.dead_letters import DeadLetters
from db.repositories.health import Health
from db.repositories.inbox import Inbox
from db.repositories.instances import Instances
from db.repositories.keys import Keys
from db.repositories.logs import Logs
from db.repositories.moves import Moves
from db.repositories.partitions import Partitions
from db.repositories.redeliveries import Redeliveries
from db.repositories.runs import Runs
from db.repositories.services import Services
from db.repositories.settings import Settings
from db.statement import Driver

_FAILURES = (SQLAlchemyError, psycopg.Error)


class UnitOfWork:
    """A transaction; everything done through its repositories happens together or not at all."""

    _connection: PoolProxiedConnection
    _driver: Driver

    def __init__(self, engine: Engine) -> None:
        """Take a connection only when the block is entered."""
        self._engine = engine

    def __enter__(self) -> Self:
        """Take a connection; the first statement begins the transaction."""
        try:
            # Only the pool is SQLAlchemy's: its Connection would take a quarter of a message's CPU time.
            self._connection = self._engine.raw_connection()
        except _FAILURES as error:
            raise (translate(error) or DatabaseError(str(error))) from None
        self._driver = cast("Driver", self._connection.driver_connection)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit or roll back, give the connection back, and raise what failed in our words."""
        try:
            if error is None:
                self._driver.commit()
                return
            with suppress(*_FAILURES):
                self._driver.rollback()
        except _FAILURES as failed:
            error = failed
        finally:
            self._release()
        translated = translate(error)
        if translated is not None:
            # `from None`: the driver's error quotes rows in its DETAIL, and tracebacks are stored and logged.
            raise translated from None

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo only this block when it raises; what came before stays and the transaction goes on."""
        try:
            # Not the driver's transaction(): that would commit the block if nothing came before it.
            self._driver.execute(b"SAVEPOINT part")
            try:
                yield
            except BaseException:
                self._driver.execute(b"ROLLBACK TO SAVEPOINT part")
                raise
            finally:
                self._driver.execute(b"RELEASE SAVEPOINT part")
        except _FAILURES as error:
            raise (translate(error) or DatabaseError(str(error))) from None

    def _release(self) -> None:
        if self._driver.closed:
            # SQLAlchemy does not watch the driver's cursor: let it meet the loss, so that it
            # also retires the idle connections that went down with this one.
            with suppress(SQLAlchemyError):
                Connection(self._engine, self._connection).exec_driver_sql("SELECT 1")
        with suppress(*_FAILURES):
            self._connection.close()

    @cached_property
    def inbox(self) -> Inbox:
        """Which messages were applied."""
        return Inbox(self._driver)

    @cached_property
    def redeliveries(self) -> Redeliveries:
        """Messages put by for another try."""
        return Redeliveries(self._driver)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Messages that were given up."""
        return DeadLetters(self._driver)

    @cached_property
    def instances(self) -> Instances:
        """Instances, their ports and their events."""
        return Instances(self._driver)

    @cached_property
    def health(self) -> Health:
        """What probes found."""
        return Health(self._driver)

    @cached_property
    def logs(self) -> Logs:
        """Lines that instances printed."""
        return Logs(self._driver)

    @cached_property
    def keys(self) -> Keys:
        """Which master keys secrets are encrypted under."""
        return Keys(self._driver)

    @cached_property
    def cache(self) -> ValidationCache:
        """Results of validating API keys."""
        return ValidationCache(self._driver)

    @cached_property
    def services(self) -> Services:
        """Shared services."""
        return Services(self._driver)

    @cached_property
    def moves(self) -> Moves:
        """Dedicated keys on their way to shared services."""
        return Moves(self._driver)

    @cached_property
    def archives(self) -> Archives:
        """Dedicated instances and keys that shared services took the place of."""
        return Archives(self._driver)

    @cached_property
    def partitions(self) -> Partitions:
        """Partitions and their retention."""
        return Partitions(self._driver)

    @cached_property
    def runs(self) -> Runs:
        """What maintenance did."""
        return Runs(self._driver)

    @cached_property
    def settings(self) -> Settings:
        """System settings."""
        return Settings(self._driver)
