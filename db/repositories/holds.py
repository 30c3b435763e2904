"""Legal holds: whose data must be kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement

_LIST: Final = Statement(
    "holds.list",
    text(
        """
        SELECT id, tenant_id, instance_id, reason, asked_by, since, until, released_at, released_by,
               id IN (SELECT o.id FROM maintenance.open_holds o) AS is_open
          FROM maintenance.legal_holds ORDER BY since, id
        """
    ),
)
_ADD: Final = Statement(
    "holds.add",
    # Of nobody nothing can be held: a slip of the pen must not be taken for safety.
    text(
        """
        INSERT INTO maintenance.legal_holds (tenant_id, instance_id, reason, asked_by, until)
        SELECT CAST(:tenant_id AS varchar), CAST(:instance_id AS uuid), :reason, :asked_by, CAST(:until AS timestamptz)
         WHERE EXISTS (SELECT FROM tenants WHERE id = CAST(:tenant_id AS varchar))
            OR EXISTS (SELECT FROM maintenance.all_instances WHERE id = CAST(:instance_id AS uuid))
        RETURNING id
        """
    ),
)
_RELEASE: Final = Statement(
    "holds.release",
    text(
        """
        UPDATE maintenance.legal_holds SET released_at = now(), released_by = :released_by
         WHERE id = :hold AND released_at IS NULL
        """
    ),
)


@dataclass(frozen=True, slots=True)
class Hold:
    """An order to keep what is a tenant's or an instance's."""

    id: UUID
    tenant_id: str | None
    instance_id: UUID | None
    reason: str
    asked_by: str
    since: datetime
    until: datetime | None
    released_at: datetime | None
    released_by: str | None
    is_open: bool


class Holds:
    """Added and released by the owner alone; what is over stays as a record."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def list(self) -> list[Hold]:
        """Return all holds, the oldest first."""
        return [Hold(*row) for row in _LIST.run(self._driver)]

    def add(
        self, *, tenant_id: str | None, instance_id: UUID | None, reason: str, asked_by: str, until: datetime | None
    ) -> UUID | None:
        """Hold what is a tenant's or an instance's; None if there is no such tenant or instance."""
        row = _ADD.run(
            self._driver, tenant_id=tenant_id, instance_id=instance_id, reason=reason, asked_by=asked_by, until=until
        ).fetchone()
        return None if row is None else UUID(str(row[0]))

    def release(self, hold: UUID, *, released_by: str) -> bool:
        """End a hold; False if there is none of that id, or it was released before."""
        return _RELEASE.run(self._driver, hold=hold, released_by=released_by).rowcount > 0
