"""Steps of retention, as tests take and see them."""

from db.engine import Database
from db.repositories.partitions import RetentionStep
from tests.databases import TestDatabase


def step(db: Database) -> RetentionStep | None:
    with db.transaction() as uow:
        return uow.partitions.retain()


def end_of_grace(own: TestDatabase) -> None:
    own.ask("UPDATE maintenance.detached_partitions SET drop_after = now()")


def exists(own: TestDatabase, relation: str) -> bool:
    return own.value("SELECT to_regclass(%s) IS NOT NULL", relation) is True
