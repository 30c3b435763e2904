"""Which of some instances exist, held so until the transaction ends."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement

_SHARED: Final = Statement(
    "known.hold", text("SELECT id FROM mcp_instances WHERE id = ANY (:ids) ORDER BY id FOR KEY SHARE")
)
_ALONE: Final = Statement(
    "known.hold_alone", text("SELECT id FROM mcp_instances WHERE id = ANY (:ids) ORDER BY id FOR NO KEY UPDATE")
)


def hold(driver: Driver, instance_ids: Iterable[UUID]) -> set[UUID]:
    """Return those that exist and keep them from being deleted until the transaction ends."""
    return {row[0] for row in _SHARED.run(driver, ids=list(set(instance_ids)))}


def hold_alone(driver: Driver, instance_ids: Iterable[UUID]) -> set[UUID]:
    """Return those that exist and keep other writers off; one order for all, so two batches cannot deadlock."""
    return {row[0] for row in _ALONE.run(driver, ids=list(set(instance_ids)))}
