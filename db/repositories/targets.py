"""What is to be checked, and who is at it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement, from_file

SILENCE_SECONDS: Final = 6.0
"""A prober that has not been heard of for so long has lost its claims."""

PATIENCE_SECONDS: Final = 1.0
"""A target that its own prober leaves waiting for so long is anybody's."""

GRACE_SECONDS: Final = 15.0
"""How long after its timeout the result of a check may still be recorded, before somebody else claims the slot."""

_ENTER: Final = from_file("targets.enter")
_FOLLOW: Final = from_file("targets.follow")
# For any values the planner would rather read all instances and servers than look up those of a few targets.
_CLAIM: Final = from_file("targets.claim", anew=True)
_ENSURE: Final = Statement(
    "targets.ensure",
    # Checked by others before our own probers were told to: it is entered, and nobody checks it until it lives.
    text(
        """
        INSERT INTO health_targets (id, kind, mcp_instance_id, service_type, server_id)
        SELECT i.id, 'instance', i.id, CAST(NULL AS text), CAST(NULL AS text)
          FROM mcp_instances i WHERE i.id = ANY (CAST(:instances AS uuid[]))
        UNION ALL
        SELECT gen_random_uuid(), 'service', NULL, r.service_type, NULL
          FROM service_registry r WHERE r.service_type = ANY (CAST(:services AS text[]))
        UNION ALL
        SELECT gen_random_uuid(), 'server', NULL, NULL, s.id
          FROM gateway.mcp_servers s WHERE s.id = ANY (CAST(:servers AS text[])) AND s.deleted_at IS NULL
        ON CONFLICT DO NOTHING
        """
    ),
)
_OF: Final = Statement(
    "targets.of",
    text(
        """
        SELECT id, kind, coalesce(CAST(mcp_instance_id AS text), service_type, server_id) FROM health_targets
         WHERE id = ANY (CAST(:instances AS uuid[]))
        UNION ALL
        SELECT id, kind, service_type FROM health_targets WHERE service_type = ANY (CAST(:services AS text[]))
        UNION ALL
        SELECT id, kind, server_id FROM health_targets WHERE server_id = ANY (CAST(:servers AS text[]))
        """
    ),
)
_ASK: Final = Statement(
    "targets.ask",
    text(
        """
        UPDATE health_targets
           SET next_check_at = CASE WHEN claimed_by IS NULL THEN least(next_check_at, now()) ELSE next_check_at END,
               next_check_reason = 'asked'
         WHERE id = :target_id AND next_check_at IS NOT NULL RETURNING next_check_at
        """
    ),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about: an instance by its id as text, a service by its type, a server by its id."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A slot that is ours to check, and how; ``due_in`` counts from now, by the clock of the database."""

    target_id: UUID
    kind: str
    instance_id: UUID | None
    service_type: str | None
    server_id: str | None
    slot: datetime
    due_in: float
    timeout_seconds: float
    url: str | None
    process_id: int | None
    process_started_at: datetime | None
    is_ours: bool
    expects_tools: bool
    lists: bool


class Targets:
    """Instances and their processes, shared services, and servers of the gateway, as they are checked."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def enter(self) -> int:
        """Make targets of all that lives and is none yet; return how many."""
        return _ENTER.run(self._driver).rowcount

    def follow(self) -> int:
        """Check no more what has ended, and anew what lives again; return how many changed."""
        return _FOLLOW.run(self._driver).rowcount

    def claim(self, prober: UUID, *, ahead: float, limit: int) -> list[Claim]:
        """Take slots that are due within so many seconds; nobody else takes them while the prober gives signs of life.

        The first of several probers that ask at once gets a target, the others get other ones.
        """
        cursor = _CLAIM.run(
            self._driver,
            prober=prober,
            ahead=ahead,
            limit=limit,
            silence=SILENCE_SECONDS,
            patience=PATIENCE_SECONDS,
            grace=GRACE_SECONDS,
        )
        return [Claim(*row) for row in cursor]

    def of(self, subjects: Iterable[Subject]) -> dict[Subject, UUID]:
        """Return the targets of subjects, which are made for those that have none; what does not exist is left out."""
        asked = set(subjects)
        names = {
            "instances": [UUID(each.name) for each in asked if each.kind == "instance"],
            "services": [each.name for each in asked if each.kind == "service"],
            "servers": [each.name for each in asked if each.kind == "server"],
        }
        _ENSURE.run(self._driver, **names)
        return {Subject(kind, name): target_id for target_id, kind, name in _OF.run(self._driver, **names)}

    def ask(self, target_id: UUID) -> datetime | None:
        """Have a target checked as soon as a prober looks; None when nobody checks it, because it does not live."""
        row = _ASK.run(self._driver, target_id=target_id).fetchone()
        return None if row is None else row[0]
