"""Databases for the tests: migrated once, copied for each test that commits."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from db import roles, schema
from db.engine import Database
from db.settings import DatabaseSettings
from embedded.postgres import PostgresServer
from tests import scratch

LOGIN: Final = "minimcp_test_worker"
PRODUCER: Final = "minimcp_test_service"
PASSWORD: Final = "only for tests"

_SETTINGS: Final = {"fsync": "off", "max_connections": "200", "max_wal_size": "256MB"}


@dataclass(frozen=True)
class TestDatabase:
    """One database: as its administrator and as a worker sees it."""

    __test__ = False

    name: str
    admin_url: str

    @property
    def worker_url(self) -> str:
        """Give the URL of a login that may do what a worker may do and no more."""
        parts = urlsplit(self.admin_url)
        return parts._replace(netloc=f"{LOGIN}:{quote(PASSWORD)}@{parts.hostname}:{parts.port}").geturl()

    def producer_url(self) -> str:
        """Make a login that may do what a service may do and no more, and give its URL."""
        roles.create_login(self.admin_url, PRODUCER, PASSWORD, "producer")
        parts = urlsplit(self.admin_url)
        return parts._replace(netloc=f"{PRODUCER}:{quote(PASSWORD)}@{parts.hostname}:{parts.port}").geturl()

    def settings(self, *, connections: int = 8) -> DatabaseSettings:
        """Give the settings of a worker."""
        return DatabaseSettings(url=self.worker_url, pool_size=connections)

    @contextmanager
    def worker(self) -> Iterator[Database]:
        """Open the database as a worker does."""
        database = Database(self.settings())
        try:
            yield database
        finally:
            database.close()

    def ask(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Run a statement as the administrator and give its rows, if it has any."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, *values: object) -> object:
        """Give the only value of the only row."""
        ((value,),) = self.ask(statement, *values)
        return value


@contextmanager
def server_url(folder: Path) -> Iterator[str]:
    """Give a superuser's URL: of TEST_DATABASE_URL, or of a server that lives as long as the tests."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with PostgresServer(folder, settings=_SETTINGS) as server:
        yield server.url


def make_template(url: str) -> TestDatabase:
    """Make a database at the newest revision, which others are copied from."""
    template = _create(url, "template")
    schema.upgrade(template.admin_url)
    roles.create_login(template.admin_url, LOGIN, PASSWORD, "worker")
    return template


@contextmanager
def migrated() -> Iterator[TestDatabase]:
    """Migrate an empty database, for as long as somebody reads what came of it."""
    with scratch.folder() as folder, server_url(folder / "postgres") as url:
        database = _create(url, "migrated")
        try:
            schema.upgrade(database.admin_url)
            yield database
        finally:
            drop(database, url)


def copy(template: TestDatabase) -> TestDatabase:
    """Make a copy of a template within a tenth of a second."""
    return _create(template.admin_url, "test", template=template.name)


def drop(database: TestDatabase, url: str) -> None:
    """Drop a database, whoever is still connected to it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))


def _create(url: str, kind: str, *, template: str = "template1") -> TestDatabase:
    name = f"minimcp_{kind}_{uuid4().hex[:12]}"
    with psycopg.connect(_database(url, "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        # Rights on the database itself are not copied with a template.
        for group in roles.GROUPS.values() if kind == "test" else ():
            connection.execute(
                sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
                    sql.Identifier(name), sql.Identifier(group)
                )
            )
    return TestDatabase(name, _database(url, name))


def _database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()
