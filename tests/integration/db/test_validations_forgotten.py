"""What is said about a key while it is revoked or replaced is forgotten with it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest

from db.engine import Database
from tests.databases import TestDatabase

from .given import Given
from .vaults import VAULT, Keeper

CHANGES: dict[str, Callable[[Keeper, UUID], object]] = {
    "revoked": lambda keeper, user_id: keeper.revokes(user_id, minutes=1),
    "replaced": lambda keeper, user_id: keeper.keeps(user_id, "figd_another-key-00", minutes=1),
}
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.mark.parametrize("how", CHANGES)
def test_what_was_said_while_a_key_was_changed_is_forgotten(
    test_database: TestDatabase, database: Database, how: str
) -> None:
    keeper = Keeper(database, test_database, Given(test_database).a_user)
    test_database.ask(
        "INSERT INTO service_registry (service_type, name, display_name, port)"
        " VALUES ('figma', 'figma', 'Figma', 40001) ON CONFLICT DO NOTHING"
    )
    user_id = keeper.a_user()
    keeper.keeps(user_id)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as uow:
            assert uow.cache.record(user_id, "figma", is_valid=True, response={}, at=datetime.now(UTC))
            changed = pool.submit(CHANGES[how], keeper, user_id)
            while not test_database.value(WAITS):
                assert not changed.done()
        changed.result()
    with database.transaction() as uow:
        assert uow.cache.look_up(user_id, "figma", VAULT.fingerprint("figd_canary-7c1e-4f2c")) is None
