"""How this project connects: libpq's URL, our limits."""

from typing import Any, Final

import psycopg
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from db import arrays
from db.errors import UnusableUrl
from db.settings import DatabaseSettings

_CONNECT_TIMEOUT_SECONDS: Final = 5
_IDLE_IN_TRANSACTION_MS: Final = 60_000
_SHAPE: Final = (
    "The URL of the database cannot be read: write it as postgresql://USER:PASSWORD@HOST/NAME, "
    "with %-escapes for special characters."
)


def admin_engine(url: str) -> Engine:
    """Connect without a pool or a statement timeout, for migrations and for people."""
    engine = create_engine("postgresql+psycopg://", hide_parameters=True, poolclass=NullPool)
    settings = DatabaseSettings(url=url, application_name="minimcp-admin", statement_timeout_ms=0)
    return connect_with(engine, settings)


def libpq_url(url: str) -> str:
    """Return the URL as libpq reads it, whichever of the usual prefixes it has."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.partition("+")[0] not in {"postgres", "postgresql"}:
        raise UnusableUrl(_SHAPE)
    return f"postgresql://{rest}"


def connect_with(engine: Engine, settings: DatabaseSettings) -> Engine:
    """Have the engine connect through libpq with our limits, and return it."""
    # libpq parses the URL, not SQLAlchemy: several hosts, service files and sockets then work as everywhere else.
    parameters = connect_parameters(settings)

    @event.listens_for(engine, "do_connect")
    def connect(
        _dialect: Dialect, _entry: ConnectionPoolEntry, _args: list[Any], options: dict[str, Any]
    ) -> "psycopg.Connection[Any]":
        connection: psycopg.Connection[Any] = psycopg.connect(libpq_url(settings.url), **parameters, **options)
        arrays.teach(connection.adapters)
        return connection

    return engine


def connect_parameters(settings: DatabaseSettings) -> dict[str, Any]:
    """Return libpq's parameters: a dead peer is noticed in seconds, and no statement waits for ever."""
    try:
        given = psycopg.conninfo.conninfo_to_dict(libpq_url(settings.url)).get("options")
    except psycopg.ProgrammingError:
        # libpq's own sentence quotes what it stumbled over, and that may be the password.
        raise UnusableUrl(_SHAPE) from None
    limits = {
        "statement_timeout": settings.statement_timeout_ms,
        "lock_timeout": settings.lock_timeout_ms,
        "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION_MS,
        "timezone": "UTC",
        "search_path": "public",
    }
    options = " ".join([str(given or ""), *(f"-c {name}={value}" for name, value in limits.items())]).strip()
    return {
        "application_name": settings.application_name,
        "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
        "keepalives": 1,
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        "options": options,
    }
