"""What is wrong with maintenance."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from db.statement import Driver, Statement

_LIST: Final = Statement(
    "troubles.list", text("SELECT kind, subject, sentence FROM maintenance.troubles ORDER BY kind, subject, sentence")
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong: of what kind, with what, and what to do about it."""

    kind: str
    subject: str
    sentence: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.subject} ({self.kind}): {self.sentence}"


class Troubles:
    """Partitions that are missing or cannot go, ticks that are late, runs that failed."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def list(self) -> list[Trouble]:
        """Return all that is wrong now; mostly there is nothing."""
        return [Trouble(*row) for row in _LIST.run(self._driver)]
