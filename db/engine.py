"""The connection pool of a process."""

from contextlib import AbstractContextManager
from typing import Final

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from db import fitness
from db.connect import connect_with
from db.errors import DatabaseError, translate
from db.settings import DatabaseSettings
from db.unit_of_work import UnitOfWork

_POOL_TIMEOUT_SECONDS: Final = 5.0
_RECYCLE_SECONDS: Final = 1800


class Database:
    """PostgreSQL as one process sees it; its threads share it."""

    def __init__(self, settings: DatabaseSettings) -> None:
        """Prepare the pool; the first transaction makes the first connection."""
        engine = create_engine(
            "postgresql+psycopg://",
            hide_parameters=True,
            pool_size=settings.pool_size,
            max_overflow=2,
            pool_timeout=_POOL_TIMEOUT_SECONDS,
            pool_recycle=_RECYCLE_SECONDS,
            # The connection that was used last is warm: on its server side too.
            pool_use_lifo=True,
        )
        self._engine = connect_with(engine, settings)

    def transaction(self) -> AbstractContextManager[UnitOfWork]:
        """Commit when the block ends, roll back when it raises; errors come out as `db.errors`."""
        return UnitOfWork(self._engine)

    def check(self) -> None:
        """Raise, with the remedy, unless the server answers, the schema is at head and the login is a safe one."""
        try:
            with self._engine.connect() as connection:
                fitness.check(connection)
        except (SQLAlchemyError, psycopg.Error) as error:
            raise (translate(error) or DatabaseError(str(error))) from None

    def close(self) -> None:
        """Close the idle connections; the pool makes new ones if it is used again."""
        self._engine.dispose()
