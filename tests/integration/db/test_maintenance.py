from datetime import timedelta

from db.engine import Database
from db.unit_of_work import UnitOfWork

from .given import NOW, Given


def test_stale_validations_are_deleted_a_batch_at_a_time(db: Database, given: Given) -> None:
    user_id = given.a_user()
    given.database.ask(
        "INSERT INTO service_registry (service_type, name, display_name, port) VALUES ('fax', 'fax', 'Fax', 49999)"
    )
    given.database.ask(
        "INSERT INTO api_key_validation_cache (user_id, service_type, key_hash, is_valid, expires_at)"
        " SELECT %s, 'fax', n::text, true, now() + (n - 2.5) * interval '1 hour' FROM generate_series(0, 4) n",
        user_id,
    )
    with db.transaction() as uow:
        assert [uow.cache.expire(limit=2) for _ in range(3)] == [2, 1, 0]
    assert given.database.value("SELECT count(*) FROM api_key_validation_cache WHERE user_id = %s", user_id) == 2


def test_a_run_is_written_into_the_diary(uow: UnitOfWork) -> None:
    uow.runs.record("expire-caches", NOW - timedelta(seconds=2), 7, {"note": "a\x00b"})
    found = uow._driver.execute(
        "SELECT affected, detail, finished_at > started_at FROM maintenance.runs WHERE task = 'expire-caches'"
    ).fetchall()
    assert found == [(7, {"note": "a\ufffdb"}, True)]


def test_settings_have_their_defaults(uow: UnitOfWork) -> None:
    assert uow.settings.all() == {
        "cleanup.retention_days": 30,
        "health.failure_threshold": 3,
        "health.interval_seconds": 30,
        "health.listing_minutes": 5,
        "health.recovery_threshold": 2,
        "health.reset_limit_seconds": 900,
        "health.reset_seconds": 60,
        "health.timeout_seconds": 5,
        "encryption.algorithm": "aes-256-gcm",
        "keys.validation_ttl_minutes": 60,
        "mcp.default_duration_minutes": 60,
        "mcp.max_instances_per_user": 10,
        "mcp.start_deadline_minutes": 10,
        "port.range_end": 3100,
        "port.range_start": 3001,
        "port.set_aside_minutes": 60,
        "process.max_cpu_percent": 50,
        "process.max_memory_mb": 512,
        "service.max_shares_per_user": 50,
    }
    assert uow.settings.get("port.range_end") == 3100
    assert uow.settings.get("no such thing") is None
