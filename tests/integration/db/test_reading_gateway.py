"""What repositories read of the gateway: the rows that were asked for, nobody else's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from db.unit_of_work import UnitOfWork

from .living_worlds import WINDOW, Question, Worlds, check
from .living_worlds import named as _n
from .worlds import LATER, NOW

QUESTIONS: Final[dict[str, Question]] = {
    "access.find_key": (lambda u, w: u.access.find_key(_n("hash", w)), lambda r: r.tenant_id, lambda w: w.tenant_id),
    "access.find_bound_key": (
        lambda u, w: u.access.find_bound_key(_n("hash", w)),
        lambda r: r.id,
        lambda w: _n("key", w),
    ),
    "access.keys_of": (lambda u, w: u.access.keys_of(w.tenant_id), lambda r: r.user_id, lambda w: w.user_id),
    "access.keys_of_user": (lambda u, w: u.access.keys_of_user(w.user_id), lambda r: r.user_id, lambda w: w.user_id),
    "access.rights": (
        lambda u, w: u.access.rights(_n("server", w), user_id=w.user_id),
        lambda r: (r.can_read, r.can_write, r.denied_methods),
        lambda _: (True, False, []),
    ),
    "gateway.rules": (lambda u, w: u.gateway.rules(w.tenant_id), lambda r: r.name, lambda w: f"rule {w.number}"),
    "gateway.setting": (lambda u, w: u.gateway.setting(w.tenant_id, _n("key", w)), lambda r: r, lambda _: 1),
    "gateway.settings_in": (
        lambda u, w: u.gateway.settings_in(w.tenant_id, _n("limits", w)),
        lambda r: r,
        lambda w: {_n("key", w): 1},
    ),
    "servers.get": (lambda u, w: u.servers.get(_n("server", w)), lambda r: r.tenant_id, lambda w: w.tenant_id),
    "servers.at": (
        lambda u, w: u.servers.at(f"https://server-{w.number}.example/mcp", "http"),
        lambda r: r.id,
        lambda w: _n("server", w),
    ),
    "servers.of_tenant": (lambda u, w: u.servers.of_tenant(w.tenant_id), lambda r: r.id, lambda w: _n("server", w)),
    "servers.routable": (lambda u, w: u.servers.routable(w.tenant_id), lambda r: r.id, lambda w: _n("server", w)),
    "servers.search": (
        lambda u, w: u.servers.search(w.tenant_id, "ticket"),
        lambda r: r.id,
        lambda w: _n("server", w),
    ),
    "servers.tagged": (
        lambda u, w: u.servers.tagged(w.tenant_id, [f"world{w.number}"]),
        lambda r: r.id,
        lambda w: _n("server", w),
    ),
    "servers.configured": (
        lambda u, w: u.servers.configured({"world": w.number}),
        lambda r: r.id,
        lambda w: _n("server", w),
    ),
    "tools.of_server": (
        lambda u, w: u.tools.of_server(_n("server", w)),
        lambda r: r.name,
        lambda w: _n("search", w),
    ),
    "tools.offering": (
        lambda u, w: u.tools.offering(_n("search", w)),
        lambda r: r.server_id,
        lambda w: _n("server", w),
    ),
    "tools.proven": (lambda u, w: u.tools.proven(_n("search", w)), lambda r: r.total_calls, lambda w: w.number),
    "tools.resources_of": (
        lambda u, w: u.tools.resources_of(_n("server", w)),
        lambda r: r.uri_template,
        lambda w: f"file:///{w.number}",
    ),
    "tools.serving": (
        lambda u, w: u.tools.serving(f"file:///{w.number}"),
        lambda r: r.server_id,
        lambda w: _n("server", w),
    ),
    "tools.of_kind": (
        lambda u, w: u.tools.of_kind(f"text/{w.number}"),
        lambda r: r.server_id,
        lambda w: _n("server", w),
    ),
    "operation.breakers": (
        lambda u, w: u.operation.breakers(_n("server", w)),
        lambda r: r.state,
        lambda _: "closed",
    ),
    "operation.healthy_pools": (
        lambda u, w: u.operation.healthy_pools(_n("server", w)),
        lambda r: (r.name, r.size),
        lambda _: ("main", 10),
    ),
    "operation.open_queues": (
        lambda u, w: u.operation.open_queues(_n("server", w)),
        lambda r: (r.name, r.size),
        lambda _: ("main", 1000),
    ),
    "operation.samples": (
        lambda u, w: u.operation.samples(_n("server", w), WINDOW),
        lambda r: r.response_time_ms,
        lambda w: 1000.0 * w.number,
    ),
    "operation.alerts": (
        lambda u, w: u.operation.alerts(_n("server", w), "response_time_ms"),
        lambda r: r.server_id,
        lambda w: _n("server", w),
    ),
    "operation.open_alerts": (
        lambda u, w: u.operation.open_alerts(w.tenant_id),
        lambda r: r.server_id,
        lambda w: _n("server", w),
    ),
    "audit.of_record": (
        lambda u, w: u.audit.of_record("users", _n("record", w), WINDOW),
        lambda r: r.user_id,
        lambda w: w.user_id,
    ),
    "audit.by_user": (
        lambda u, w: u.audit.by_user(w.user_id, WINDOW),
        lambda r: r.record_id,
        lambda w: _n("record", w),
    ),
    "audit.of_tenant": (lambda u, w: u.audit.of_tenant(w.tenant_id, WINDOW), lambda r: r.user_id, lambda w: w.user_id),
    "audit.on_resource": (
        lambda u, w: u.audit.on_resource(w.tenant_id, "read", "server", _n("server", w), WINDOW),
        lambda r: r.user_id,
        lambda w: w.user_id,
    ),
    "audit.access_by": (
        lambda u, w: u.audit.access_by(w.user_id, "read", "server", WINDOW),
        lambda r: r.tenant_id,
        lambda w: w.tenant_id,
    ),
    "requests.page": (
        lambda u, w: u.requests.page(w.tenant_id, WINDOW),
        lambda r: r.request_id,
        lambda w: _n("request", w),
    ),
    "requests.find": (
        lambda u, w: u.requests.find(_n("request", w), w.tenant_id, WINDOW),
        lambda r: r.user_id,
        lambda w: w.user_id,
    ),
    "requests.slowest": (
        lambda u, w: u.requests.slowest(_n("server", w), WINDOW),
        lambda r: r.duration_ms,
        lambda w: 10.0 * w.number,
    ),
    "requests.from_address": (
        lambda u, w: u.requests.from_address(w.tenant_id, f"10.0.0.{w.number}", f"/{w.number}", WINDOW),
        lambda r: r.request_id,
        lambda w: _n("request", w),
    ),
    "requests.route": (
        lambda u, w: u.requests.route(w.tenant_id, "POST", f"/{w.number}", WINDOW),
        lambda r: (r.server_id, r.requests, r.avg_duration_ms),
        lambda w: (_n("server", w), 1, 10.0 * w.number),
    ),
    "requests.days": (
        lambda u, w: u.requests.days(w.tenant_id, WINDOW),
        lambda r: (r.requests, r.errors),
        lambda _: (1, 0),
    ),
    "rollups.of_tenant": (
        lambda u, w: u.rollups.of_tenant(w.tenant_id, WINDOW, unit="day"),
        lambda r: r.subject,
        lambda w: _n("server", w),
    ),
    "rollups.of_server": (
        lambda u, w: u.rollups.of_server(_n("server", w), WINDOW, unit="day"),
        lambda r: r.subject,
        lambda w: _n("server", w),
    ),
    "counts.requests": (
        lambda u, w: u.counts.page("requests", WINDOW, unit="day", tenant_id=w.tenant_id, subject=_n("server", w)),
        lambda r: (r.tenant_id, r.subject),
        lambda w: (w.tenant_id, _n("server", w)),
    ),
    "counts.samples": (
        lambda u, w: u.counts.page("samples", WINDOW, unit="day", subject=_n("server", w)),
        lambda r: r.subject,
        lambda w: _n("server", w),
    ),
    "calls.of_user": (
        lambda u, w: u.calls.of_user(w.tenant_id, _n("ada", w), WINDOW),
        lambda r: r.success,
        lambda _: False,
    ),
    "calls.slowest": (
        lambda u, w: u.calls.slowest(w.tenant_id, WINDOW),
        lambda r: r.user_id,
        lambda w: _n("ada", w),
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_about_one_world_is_answered_with_its_row(worlds: Worlds, name: str) -> None:
    check(worlds, QUESTIONS[name])


# The second world is slower and busier.
ORDERED: Final[dict[str, tuple[Callable[[UnitOfWork], list[Any]], Callable[[Any], object], list[object]]]] = {
    "servers.discover": (lambda u: u.servers.discover("http"), lambda r: r.id, ["server-1", "server-2"]),
    "servers.slow": (lambda u: u.servers.slow(above_ms=10), lambda r: r.id, ["server-2", "server-1"]),
    "tools.busiest": (lambda u: u.tools.busiest(), lambda r: r.name, ["search-2", "search-1"]),
    "operation.worst": (lambda u: u.operation.worst(WINDOW, above_ms=1), lambda r: r.response_time_ms, [2e3, 1e3]),
    "gateway.refresh_due": (lambda u: u.gateway.refresh_due(), lambda r: r.name, ["mv_request_stats_hourly"]),
}


@pytest.mark.parametrize("name", ORDERED)
def test_a_question_about_all_is_answered_in_its_order(worlds: Worlds, name: str) -> None:
    read, told, expected = ORDERED[name]
    with worlds.database.transaction() as uow:
        assert [told(row) for row in read(uow)] == expected


def test_pages_lose_no_row_of_the_same_moment(worlds: Worlds) -> None:
    with worlds.database.transaction() as uow:
        uow._driver.execute("UPDATE gateway.sessions SET last_activity = %s", [NOW])
        uow._driver.execute("UPDATE gateway.api_keys SET last_used = %s", [NOW])
        (first,) = uow.sessions.latest(LATER, limit=1)
        (second,) = uow.sessions.latest(first.last_activity, first.id, limit=1)
        assert uow.sessions.latest(second.last_activity, second.id) == []
        (one,) = uow.access.keys_used_last(LATER, limit=1)
        (other,) = uow.access.keys_used_last(NOW, one.id, limit=1)
        assert uow.access.keys_used_last(NOW, other.id) == []
        uow._driver.rollback()
    assert (first.id, one.id) > (second.id, other.id)


def test_operators_see_the_rows_of_all(worlds: Worlds) -> None:
    with worlds.database.transaction() as uow:
        due = uow.servers.check_due(LATER)
        failed = uow.calls.failures("tools/call", WINDOW)
        present, gone = uow.sessions.latest(LATER), uow.sessions.over()
        ending, used = uow.access.keys_expiring(LATER + timedelta(days=1)), uow.access.keys_used_last(LATER)
        changed = uow.audit.latest(WINDOW)
    assert {each.id for each in due} == {"server-1", "server-2"}
    assert {each.user_id for each in failed} == {"ada-1", "ada-2"}
    assert ({each.user_id for each in present}, gone) == ({worlds.first.user_id, worlds.second.user_id}, [])
    assert {each.tenant_id for each in ending} == {each.tenant_id for each in used} == {"tenant-1", "tenant-2"}
    assert {each.record_id for each in changed} > {"record-1", "record-2"}
