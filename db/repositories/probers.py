"""Worker processes that check targets."""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement
from db.storable import storable

_BEAT: Final = Statement(
    "probers.beat",
    text(
        """
        INSERT INTO probers AS p (id, host_id, hostname, process_id)
        VALUES (:prober, :host_id, :hostname, :process_id)
        ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
        """
    ),
)
_LEAVE: Final = Statement("probers.leave", text("DELETE FROM probers WHERE id = :prober"))
_FORGET: Final = Statement("probers.forget", text("DELETE FROM probers WHERE seen_at < now() - interval '1 day'"))


class Probers:
    """Who probes: the claims of whoever is not among them are void."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def beat(self, prober: UUID, *, host_id: str | None, hostname: str, process_id: int) -> None:
        """Give a sign of life; the first one enters the prober."""
        _BEAT.run(
            self._driver,
            prober=prober,
            host_id=None if host_id is None else storable(host_id),
            hostname=storable(hostname)[:255],
            process_id=process_id,
        )

    def leave(self, prober: UUID) -> None:
        """Take a prober out, so that others take over what it has claimed at once."""
        _LEAVE.run(self._driver, prober=prober)

    def forget(self) -> None:
        """Delete probers that were silent for a day."""
        _FORGET.run(self._driver)
