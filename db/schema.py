"""The revision of the schema, and moving it up and down."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from io import StringIO
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from db import ground, roles
from db.connect import admin_engine
from db.errors import Conflict, DatabaseUnavailable, MigrationRefused, translate

Report: TypeAlias = Callable[[str], None]

# Any constant will do; it only has to be the same for every migrator of this database.
_MIGRATION_LOCK: Final = 0x6D63_7069
# Alembic keeps the migration that runs in variables of the process.
_ALEMBIC: Final = Lock()
_ROOM: Final = Path(__file__).parent / "migrations"


def upgrade(url: str, revision: str = "head", report: Report = lambda _: None) -> None:
    """Bring the schema up to a revision, one committed step at a time; another migrator waits for this one."""
    with _owner_connection(url) as connection:
        _run(connection, report, lambda config: command.upgrade(config, revision))
        ground.check_whole(connection, head())


def downgrade(url: str, revision: str, report: Report = lambda _: None) -> None:
    """Take the schema down to a revision (`base` for none)."""
    with _owner_connection(url) as connection:
        _run(connection, report, lambda config: command.downgrade(config, revision))


def as_sql(revisions: str = "head") -> str:
    """Return the SQL of an upgrade, of `FROM:TO` revisions if only those are wanted, for people and linters to read."""
    written = StringIO()
    config = _config()
    config.output_buffer = written
    with _ALEMBIC:
        command.upgrade(config, revisions, sql=True)
    return written.getvalue()


@cache
def head() -> str:
    """Return the newest revision that this code knows."""
    return str(_scripts().get_current_head())


def is_known(revision: str) -> bool:
    """Say whether a revision is one of this code's."""
    return any(script.revision == revision for script in _scripts().walk_revisions())


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config(**attributes: object) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_ROOM).replace("%", "%%"))
    config.attributes.update(attributes)
    return config


@contextmanager
def _owner_connection(url: str) -> Iterator[Connection]:
    engine = admin_engine(url)
    try:
        with engine.connect() as connection:
            # The other migrator may need minutes; only its tables are not to be waited for that long.
            connection.exec_driver_sql("SET lock_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({_MIGRATION_LOCK})")
            connection.exec_driver_sql("RESET lock_timeout")
            ground.check(connection, known=[each.revision for each in _scripts().walk_revisions()], head=head())
            roles.ensure(connection)
            connection.exec_driver_sql(f"SET ROLE {roles.OWNER}")
            connection.commit()
            yield connection
    except SQLAlchemyError as error:
        translated = translate(error)
        if isinstance(translated, DatabaseUnavailable | Conflict):
            raise translated from None
        raise MigrationRefused(f"A step failed and was rolled back, the steps before it stay. {translated}") from error
    finally:
        engine.dispose()


def _run(connection: Connection, report: Report, step: Callable[[Config], None]) -> None:
    try:
        with _ALEMBIC:
            step(_config(connection=connection, report=report))
    except CommandError as error:
        raise MigrationRefused(
            f"{error}. The database was left as it was; is it one that this code made, and is this code as new as it?"
        ) from error
