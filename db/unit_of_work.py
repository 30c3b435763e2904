"""One transaction and the repositories that take part in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Generic, Self, TypeVar, cast

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
from db.repositories.counts import Counts
from db.repositories.dead_letters import DeadLetters
from db.repositories.detached import DetachedRows
from db.repositories.erasures import Erasures
from db.repositories.events import Events
from db.repositories.expiries import Expiries
from db.repositories.fleet import Fleet
from db.repositories.gateway import Gateway
from db.repositories.health import Health
from db.repositories.holds import Holds
from db.repositories.inbox import Inbox
from db.repositories.instances import Instances
from db.repositories.keys import Keys
from db.repositories.locks import Locks
from db.repositories.logs import Logs
from db.repositories.metrics import Metrics
from db.repositories.moves import Moves
from db.repositories.operation import Operation
from db.repositories.outbox import Outbox
from db.repositories.partitions import Partitions
from db.repositories.ports import Ports
from db.repositories.probers import Probers
from db.repositories.redeliveries import Redeliveries
from db.repositories.requests import Requests
from db.repositories.retention import Retention
from db.repositories.rollups import Rollups
from db.repositories.rotation import Rotation
from db.repositories.runs import Runs
from db.repositories.seals import Seals
from db.repositories.servers import Servers
from db.repositories.services import Services
from db.repositories.sessions import Sessions
from db.repositories.settings import Settings
from db.repositories.shares import Shares
from db.repositories.shelved import ShelvedPartitions
from db.repositories.targets import Targets
from db.repositories.tenants import Tenants
from db.repositories.ticks import Ticks
from db.repositories.tools import Tools
from db.repositories.troubles import Troubles
from db.repositories.usage import Usage
from db.repositories.users import Users
from db.repositories.verdicts import Verdicts
from db.statement import Driver

R = TypeVar("R")

_FAILURES = (SQLAlchemyError, psycopg.Error)


class _Repository(Generic[R]):
    """Makes a repository for a transaction when it is first asked for."""

    def __init__(self, kind: Callable[[Driver], R]) -> None:
        self._kind = kind

    def __set_name__(self, owner: type[object], name: str) -> None:
        self._name = name

    def __get__(self, uow: "UnitOfWork", owner: type[object] | None = None) -> R:
        # Kept under the same name, where the next reader finds it without coming here.
        known = vars(uow)
        made = known[self._name] = self._kind(known["_driver"])
        return made


class UnitOfWork:
    """A transaction; everything done through its repositories happens together or not at all."""

    _connection: PoolProxiedConnection
    _driver: Driver

    inbox = _Repository(Inbox)
    redeliveries = _Repository(Redeliveries)
    dead_letters = _Repository(DeadLetters)
    instances = _Repository(Instances)
    locks = _Repository(Locks)
    fleet = _Repository(Fleet)
    health = _Repository(Health)
    targets = _Repository(Targets)
    verdicts = _Repository(Verdicts)
    probers = _Repository(Probers)
    alerts = _Repository(Alerts)
    logs = _Repository(Logs)
    keys = _Repository(Keys)
    cache = _Repository(ValidationCache)
    services = _Repository(Services)
    moves = _Repository(Moves)
    archives = _Repository(Archives)
    partitions = _Repository(Partitions)
    detached = _Repository(DetachedRows)
    shelved = _Repository(ShelvedPartitions)
    retention = _Repository(Retention)
    holds = _Repository(Holds)
    rollups = _Repository(Rollups)
    rotation = _Repository(Rotation)
    runs = _Repository(Runs)
    settings = _Repository(Settings)
    access = _Repository(Access)
    audit = _Repository(Audit)
    calls = _Repository(Calls)
    counts = _Repository(Counts)
    erasures = _Repository(Erasures)
    events = _Repository(Events)
    expiries = _Repository(Expiries)
    gateway = _Repository(Gateway)
    metrics = _Repository(Metrics)
    operation = _Repository(Operation)
    outbox = _Repository(Outbox)
    ports = _Repository(Ports)
    requests = _Repository(Requests)
    seals = _Repository(Seals)
    servers = _Repository(Servers)
    sessions = _Repository(Sessions)
    shares = _Repository(Shares)
    tenants = _Repository(Tenants)
    ticks = _Repository(Ticks)
    tools = _Repository(Tools)
    troubles = _Repository(Troubles)
    usage = _Repository(Usage)
    users = _Repository(Users)

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
