"""What follows from checks: the one path of all verdicts, whoever found them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from db.repositories.health import HealthReportRow, Standing
from db.repositories.targets import Subject
from db.unit_of_work import UnitOfWork
from producers import InstanceDisconnected, InstanceReconnected

from .continuing import go_on
from .probes.offers import Offer

_SUBJECTS: Final = UUID("6d0f3c1e-6a51-5b0e-9a5c-2f3f5b8a9a41")


def record(rows: Sequence[HealthReportRow], uow: UnitOfWork) -> None:
    """Record checks, and with the same transaction what follows from those that turned a circuit breaker."""
    standings = uow.health.record(rows).standings
    lost = [standing for standing in standings if standing.turn == "lost"]
    back = [standing for standing in standings if standing.turn == "back"]
    uow.alerts.open([standing.target_id for standing in lost])
    uow.alerts.resolve([standing.target_id for standing in back])
    for standing in (*lost, *back):
        _tell_instance(standing, uow)


@dataclass(frozen=True, slots=True)
class Offered:
    """What a target listed; of a server of the gateway it is kept."""

    target_id: UUID
    server_id: str | None
    offer: Offer


def note_offers(offered: Sequence[Offered], uow: UnitOfWork) -> None:
    """Remember how many tools targets have, and let the tools and resources of servers be what they listed."""
    uow.health.note_tools([(each.target_id, _number(each.offer.tools)) for each in offered])
    for each in offered:
        if each.server_id is not None and each.offer.tools is not None:
            uow.tools.refresh(each.server_id, each.offer.tools)
        if each.server_id is not None and each.offer.resources is not None:
            uow.tools.refresh_resources(each.server_id, each.offer.resources)


def conversation(subject: Subject) -> UUID:
    """Give the id under which the conversation with a subject is kept."""
    return UUID(subject.name) if subject.kind == "instance" else uuid5(_SUBJECTS, f"{subject.kind}:{subject.name}")


def _number(items: Sequence[object] | None) -> int | None:
    return None if items is None else len(items)


def _tell_instance(standing: Standing, uow: UnitOfWork) -> None:
    if standing.instance_id is None:
        return
    # Both happened in the slot: of a later life of the instance they say nothing.
    if standing.turn == "lost" and standing.instance_status == "running":
        reason = f"{standing.failures} checks in a row failed, the last one: {standing.error or standing.verdict}"
        go_on(InstanceDisconnected(occurred_at=standing.slot, instance_id=standing.instance_id, reason=reason), uow)
    if standing.turn == "back" and standing.instance_status == "disconnected" and standing.kind == "instance":
        go_on(InstanceReconnected(occurred_at=standing.slot, instance_id=standing.instance_id), uow)
