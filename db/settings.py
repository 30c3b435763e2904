"""What a process must know to use the database."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where PostgreSQL is and how patient this process is with it."""

    # Never in a repr: a settings object ends up in log lines and tracebacks.
    url: str = field(repr=False)
    pool_size: int = 8
    application_name: str = "minimcp"
    statement_timeout_ms: int = 30_000
    lock_timeout_ms: int = 5_000
