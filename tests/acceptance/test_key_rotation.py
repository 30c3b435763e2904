"""A hundred thousand keys come under another master key while others read and write, though the rotation is killed."""

import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest

from db.encryption import verify
from db.engine import Database
from db.keeping import NewKey, Vault, keep
from db.secret import Secret, decrypt, encrypt, place_of_key
from tests.acceptance.processes import started, wait_until
from tests.databases import TestDatabase
from tests.integration.db.vaults import BOTH, NEW, OLD, PEPPER, a_key

log = logging.getLogger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

USERS = [UUID(int=number) for number in range(1, 1_001)]
TYPES = {f"type-{number}": uuid4() for number in range(100)}
COLUMNS = "id, user_id, mcp_type_id, encrypted_key, encryption_iv, encrypted_dek, encryption_key_id, key_fingerprint"
UNDER = "SELECT count(*) FROM api_keys WHERE encryption_key_id = %s"
VAULT = Vault(BOTH, PEPPER)


def plaintext(user_id: UUID, mcp_type: str) -> str:
    return f"key of {user_id.int} for {mcp_type}"


def test_a_hundred_thousand_keys_are_rotated_under_load_through_a_sigkill(test_database: TestDatabase) -> None:
    fill(test_database)
    environment = {
        "DATABASE_URL": test_database.worker_url,
        "MASTER_KEYS": f"2026-11:{a_key(1)},2027-01:{a_key(2)}",
    }
    begin = time.monotonic()
    with under_load(test_database) as load:
        with started("-m", "db", "keys", "rotate", "--to", "2027-01", **environment) as rotation:
            wait_until(lambda: int(str(test_database.value(UNDER, "2027-01"))) > 20_000, 120, lambda: rotation.log)
            os.kill(rotation.pid, signal.SIGKILL)
            rotation.process.wait(10)
        assert int(str(test_database.value(UNDER, "2026-11"))) > 0
        with started("-m", "db", "keys", "rotate", **environment) as again:
            assert again.process.wait(200) == 0, again.log
            assert "none under another" in again.log
        with started("-m", "db", "keys", "retire", "2026-11", **environment) as retirement:
            assert retirement.process.wait(30) == 0, retirement.log
    log.info("%.1f s, %d read, %d written", time.monotonic() - begin, load.read, load.written)
    assert load.failures == []
    assert load.read > 100
    assert load.written > 10
    assert test_database.value(UNDER, "2027-01") == len(USERS) * len(TYPES)
    assert all_open(test_database)


def fill(database: TestDatabase) -> None:
    """Store a key of each user for each type, as workers would have."""
    with database.worker() as opened:
        verify(OLD, opened)
    with psycopg.connect(database.admin_url) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY users (id, email, name) FROM STDIN") as copy:
            for user_id in USERS:
                copy.write_row((user_id, f"{user_id.int}@example.org", "Ada"))
        with cursor.copy("COPY mcp_types (id, name, display_name, server_script) FROM STDIN") as copy:
            for name, type_id in TYPES.items():
                copy.write_row((type_id, name, name, "x.js"))
        with cursor.copy(f"COPY api_keys ({COLUMNS}) FROM STDIN") as copy:
            for row in rows():
                copy.write_row(row)
    database.ask("ANALYZE api_keys")


def rows() -> Iterator[tuple[object, ...]]:
    for user_id in USERS:
        for name, type_id in TYPES.items():
            row_id = uuid4()
            secret = encrypt(plaintext(user_id, name), place_of_key(row_id, user_id, type_id), OLD, "2026-11")
            yield row_id, user_id, type_id, secret.ciphertext, secret.nonce, secret.data_key, secret.key_id, "f"


@dataclass
class Load:
    """What readers and writers did meanwhile."""

    read: int = 0
    written: int = 0
    failures: list[BaseException] = field(default_factory=list)


@contextmanager
def under_load(database: TestDatabase) -> Iterator[Load]:
    """Have keys read and stored all the time."""
    load, stop = Load(), threading.Event()
    with closing(Database(database.settings())) as opened:
        threads = [threading.Thread(target=keep_at, args=(work, opened, load, stop)) for work in (read, read, write)]
        for thread in threads:
            thread.start()
        try:
            yield load
        finally:
            stop.set()
            for thread in threads:
                thread.join(30)


def keep_at(work: Callable[[Database, Load], None], database: Database, load: Load, stop: threading.Event) -> None:
    while not stop.wait(0.002):
        try:
            work(database, load)
        except Exception as error:  # noqa: BLE001  whatever fails is what the test looks for
            load.failures.append(error)


def read(database: Database, load: Load) -> None:
    user_id, name = random.choice(USERS), random.choice(list(TYPES))
    with database.transaction() as uow:
        stored = uow.keys.find(user_id, name)
    assert stored is not None
    secret = Secret(stored.encryption_key_id, stored.encrypted_dek, stored.encryption_iv, stored.encrypted_key)
    assert decrypt(secret, place_of_key(stored.id, user_id, TYPES[name]), BOTH) == plaintext(user_id, name)
    load.read += 1


def write(database: Database, load: Load) -> None:
    user_id, name = random.choice(USERS), random.choice(list(TYPES))
    new = NewKey(user_id, name, plaintext(user_id, name), None, datetime.now(UTC))
    with database.transaction() as uow:
        keep(uow, VAULT, new)
    load.written += 1


def all_open(database: TestDatabase) -> bool:
    """Open every key with the new master key alone."""
    names = {type_id: name for name, type_id in TYPES.items()}
    with psycopg.connect(database.admin_url) as connection:
        found = connection.execute(
            "SELECT id, user_id, mcp_type_id, encryption_key_id, encrypted_dek, encryption_iv, encrypted_key"
            " FROM api_keys"
        )
        return all(
            decrypt(Secret(*parts), place_of_key(row_id, user_id, type_id), NEW) == plaintext(user_id, names[type_id])
            for row_id, user_id, type_id, *parts in found
        )
