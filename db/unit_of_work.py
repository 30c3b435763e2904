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
from db.repositories.access import Access
from db.repositories.alerts import Alerts
from db.repositories.archives import Archives
from db.repositories.audit import Audit
from db.repositories.cache import ValidationCache
from db.repositories.calls import Calls
from db.repositories.dead_letters import DeadLetters
from db.repositories.events import Events
from db.repositories.fleet import Fleet
from db.repositories.gateway import Gateway
from db.repositories.health import Health
from db.repositories.inbox import Inbox
from db.repositories.instances import Instances
from db.repositories.keys import Keys
from db.repositories.locks import Locks
from db.repositories.logs import Logs
from db.repositories.moves import Moves
from db.repositories.operation import Operation
from db.repositories.outbox import Outbox
from db.repositories.partitions import Partitions
from db.repositories.ports import Ports
from db.repositories.probers import Probers
from db.repositories.redeliveries import Redeliveries
from db.repositories.requests import Requests
from db.repositories.runs import Runs
from db.repositories.servers import Servers
from db.repositories.services import Services
from db.repositories.sessions import Sessions
from db.repositories.settings import Settings
from db.repositories.targets import Targets
from db.repositories.tenants import Tenants
from db.repositories.tools import Tools
from db.repositories.usage import Usage
from db.repositories.users import Users
from db.repositories.verdicts import Verdicts
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
        """What becomes of instances."""
        return Instances(self._driver)

    @cached_property
    def locks(self) -> Locks:
        """Rows that are locked beforehand."""
        return Locks(self._driver)

    @cached_property
    def fleet(self) -> Fleet:
        """Instances as they stand."""
        return Fleet(self._driver)

    @cached_property
    def health(self) -> Health:
        """What probes found."""
        return Health(self._driver)

    @cached_property
    def targets(self) -> Targets:
        """What is to be checked."""
        return Targets(self._driver)

    @cached_property
    def verdicts(self) -> Verdicts:
        """How targets do."""
        return Verdicts(self._driver)

    @cached_property
    def probers(self) -> Probers:
        """Who checks it."""
        return Probers(self._driver)

    @cached_property
    def alerts(self) -> Alerts:
        """Alerts that checks open and resolve."""
        return Alerts(self._driver)

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

    @cached_property
    def access(self) -> Access:
        """Keys of the gateway, and rights on its servers."""
        return Access(self._driver)

    @cached_property
    def audit(self) -> Audit:
        """Who changed and who did what."""
        return Audit(self._driver)

    @cached_property
    def calls(self) -> Calls:
        """Calls of the protocol."""
        return Calls(self._driver)

    @cached_property
    def events(self) -> Events:
        """What happened to instances."""
        return Events(self._driver)

    @cached_property
    def gateway(self) -> Gateway:
        """How the gateway routes and is set up."""
        return Gateway(self._driver)

    @cached_property
    def operation(self) -> Operation:
        """How the gateway's servers do."""
        return Operation(self._driver)

    @cached_property
    def outbox(self) -> Outbox:
        """Messages that are sent with the transaction that made them."""
        return Outbox(self._driver)

    @cached_property
    def ports(self) -> Ports:
        """The ports of hosts."""
        return Ports(self._driver)

    @cached_property
    def requests(self) -> Requests:
        """Requests that the gateway served."""
        return Requests(self._driver)

    @cached_property
    def servers(self) -> Servers:
        """The gateway's servers."""
        return Servers(self._driver)

    @cached_property
    def sessions(self) -> Sessions:
        """People who are signed in."""
        return Sessions(self._driver)

    @cached_property
    def tenants(self) -> Tenants:
        """Tenants, and organizations with their members."""
        return Tenants(self._driver)

    @cached_property
    def tools(self) -> Tools:
        """What servers offer."""
        return Tools(self._driver)

    @cached_property
    def usage(self) -> Usage:
        """Who used which shared service."""
        return Usage(self._driver)

    @cached_property
    def users(self) -> Users:
        """Users."""
        return Users(self._driver)
