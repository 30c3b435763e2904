"""What is only good for a time ends when it is over, some at a time."""

from datetime import timedelta

from db.engine import Database

from .given import NOW, Given

LONG_AGO = NOW - timedelta(days=9)


def test_sessions_that_are_over_go_the_longest_over_first(db: Database, given: Given) -> None:
    user_id = given.a_user()
    given.database.ask(
        "INSERT INTO gateway.sessions (user_id, session_token_hash, created_at, expires_at)"
        " SELECT %s, lpad(to_hex(n), 64, '0'), now() - interval '9 days', now() + (n - 2.5) * interval '1 hour'"
        " FROM generate_series(0, 4) n",
        user_id,
    )
    with db.transaction() as uow:
        assert [uow.expiries.expire(limit=2)["sessions"] for _ in range(3)] == [2, 1, 0]
    assert given.database.value("SELECT min(expires_at) > now() FROM gateway.sessions WHERE user_id = %s", user_id)


def test_keys_whose_time_is_over_are_switched_off_once_and_stay(db: Database, given: Given) -> None:
    user_id = given.a_user()
    given.database.ask(
        "INSERT INTO gateway.api_keys (user_id, name, key_hash, key_prefix, created_at, expires_at)"
        " SELECT %s, 'k', %s || n, 'p', now() - interval '9 days',"
        "        CASE WHEN n < 4 THEN now() + (n - 2.5) * interval '1 hour' END FROM generate_series(0, 4) n",
        user_id,
        str(user_id),
    )
    given.database.ask(
        "INSERT INTO gateway.enhanced_api_keys (user_id, name, key_hash, key_prefix, salt, created_at, expires_at)"
        " SELECT user_id, name, key_hash, key_prefix, 's', created_at, expires_at FROM gateway.api_keys"
        " WHERE user_id = %s",
        user_id,
    )
    with db.transaction() as uow:
        first, second = uow.expiries.expire(limit=50), uow.expiries.expire(limit=50)
    assert [first[kind] for kind in ("gateway keys", "enhanced keys")] == [3, 3]
    assert [second[kind] for kind in ("gateway keys", "enhanced keys")] == [0, 0]
    for table in ("gateway.api_keys", "gateway.enhanced_api_keys"):
        counted = f"SELECT count(*), count(*) FILTER (WHERE is_active) FROM {table} WHERE user_id = %s"  # noqa: S608  names of the test
        assert given.database.ask(counted, user_id) == [(5, 2)]


def test_a_breaker_that_nothing_goes_through_is_forgotten(db: Database, given: Given) -> None:
    given.database.ask(
        "INSERT INTO gateway.mcp_servers (id, name, endpoint_url, transport_type)"
        " VALUES ('idle', 'idle', 'http://127.0.0.1:1', 'http')"
    )
    for service, success in (("quiet", LONG_AGO), ("busy", NOW)):
        given.database.ask(
            "INSERT INTO gateway.circuit_breakers (server_id, service_name, last_state_change, last_success_time)"
            " VALUES ('idle', %s, %s, %s)",
            service,
            LONG_AGO,
            success,
        )
    with db.transaction() as uow:
        assert uow.expiries.expire(limit=50)["breakers"] == 1
    left = given.database.ask("DELETE FROM gateway.circuit_breakers WHERE server_id = 'idle' RETURNING service_name")
    # Other tests count the servers of this database.
    given.database.ask("DELETE FROM gateway.mcp_servers WHERE id = 'idle'")
    assert left == [("busy",)]
