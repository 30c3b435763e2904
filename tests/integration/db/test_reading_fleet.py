"""What repositories read of people, instances and services: the rows that were asked for, nobody else's."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from db.looking import Wanted
from db.page import Mark, Window

from .living_worlds import WINDOW, Question, Worlds, check
from .living_worlds import named as _n
from .worlds import LATER, NOW

_FIRST: Final = UUID(int=0)
QUESTIONS: Final[dict[str, Question]] = {
    "users.get": (lambda u, w: u.users.get(w.user_id), lambda r: r.tenant_id, lambda w: w.tenant_id),
    "users.find_by_email": (
        lambda u, w: u.users.find_by_email(f"USER-{w.number}@worlds.example"),
        lambda r: r.id,
        lambda w: w.user_id,
    ),
    "users.find_by_provider": (
        lambda u, w: u.users.find_by_provider("github", _n("ada", w)),
        lambda r: r.id,
        lambda w: w.user_id,
    ),
    "users.of_tenant": (lambda u, w: u.users.of_tenant(w.tenant_id, "viewer"), lambda r: r.id, lambda w: w.user_id),
    "tenants.get": (lambda u, w: u.tenants.get(w.tenant_id), lambda r: r.name, lambda w: f"Tenant {w.number}"),
    "tenants.find": (lambda u, w: u.tenants.find(f"TENANT {w.number}"), lambda r: r.id, lambda w: w.tenant_id),
    "tenants.organizations_of": (
        lambda u, w: u.tenants.organizations_of(w.user_id),
        lambda r: (r.organization_id, r.role),
        lambda w: (_n("organization", w), "admin"),
    ),
    "tenants.members": (
        lambda u, w: u.tenants.members(_n("organization", w)),
        lambda r: r.user_id,
        lambda w: w.user_id,
    ),
    "fleet.active_of": (lambda u, w: u.fleet.active_of(w.user_id), lambda r: r.id, lambda w: w.instance_id),
    "fleet.find_by_token": (
        lambda u, w: u.fleet.find_by_token(w._hash("token")),
        lambda r: r.user_id,
        lambda w: w.user_id,
    ),
    "fleet.on_port": (
        lambda u, w: u.fleet.on_port(_n("world", w), 5000 + w.number),
        lambda r: r,
        lambda w: w.instance_id,
    ),
    "fleet.of_process": (
        lambda u, w: u.fleet.of_process(_n("world", w), 100 + w.number),
        lambda r: r,
        lambda w: w.instance_id,
    ),
    "ports.held_by": (lambda u, w: u.ports.held_by(w.instance_id), lambda r: r.host_id, lambda w: _n("world", w)),
    "events.of_instance": (
        lambda u, w: u.events.of_instance(w.instance_id, WINDOW),
        lambda r: r.instance_id,
        lambda w: w.instance_id,
    ),
    "events.of_user": (lambda u, w: u.events.of_user(w.user_id, WINDOW), lambda r: r.user_id, lambda w: w.user_id),
    "logs.look": (
        lambda u, w: u.logs.look(w.instance_id, WINDOW, Wanted(["error"], u.logs.words(f"reach world{w.number}"))).rows,
        lambda r: r.instance_id,
        lambda w: w.instance_id,
    ),
    "logs.arrived": (
        lambda u, w: (
            u.logs.arrived(w.instance_id, WINDOW, Wanted(words=u.logs.words(f"world{w.number}")), horizon="3").rows
        ),
        lambda r: r.instance_id,
        lambda w: w.instance_id,
    ),
    "logs.newest": (
        lambda u, w: list(u.logs.newest([w.instance_id], WINDOW)),
        lambda r: r,
        lambda w: w.instance_id,
    ),
    "logs.troubles_of": (
        lambda u, w: u.logs.troubles_of(w.user_id, WINDOW),
        lambda r: r.instance_id,
        lambda w: w.instance_id,
    ),
    "keys.find": (lambda u, w: u.keys.find(w.user_id, _n("type", w)), lambda r: r.encrypted_key, lambda _: "sealed"),
    "rotation.under_api_keys": (
        lambda u, w: u.rotation.keys_under("api_keys", _n("master", w), after=_FIRST, limit=9),
        lambda r: r.user_id,
        lambda w: w.user_id,
    ),
    "rotation.under_api_keys_archive": (
        lambda u, w: u.rotation.keys_under("api_keys_archive", _n("master", w), after=_FIRST, limit=9),
        lambda r: r.user_id,
        lambda w: w.user_id,
    ),
    "rotation.under_shares": (
        lambda u, w: u.rotation.shares_under(_n("master", w), after="", limit=9),
        lambda r: r.id,
        lambda w: _n("share", w),
    ),
    "keys.of_user": (lambda u, w: u.keys.of_user(w.user_id), lambda r: r.type_name, lambda _: "Type"),
    "cache.look_up": (lambda u, w: u.cache.look_up(w.user_id, _n("service", w), "h"), lambda r: r, lambda _: True),
    "services.of_user": (
        lambda u, w: u.services.of_user(w.user_id),
        lambda r: r.instance_id,
        lambda w: _n("share", w),
    ),
    "services.find_share": (
        lambda u, w: u.services.find_share(_n("share", w)),
        lambda r: r.user_id,
        lambda w: w.user_id,
    ),
    "usage.of_user": (
        lambda u, w: u.usage.of_user(w.user_id, WINDOW),
        lambda r: (r.service_type, r.calls),
        lambda w: (_n("service", w), 1),
    ),
    "usage.days": (
        lambda u, w: u.usage.days(w.user_id, _n("service", w), WINDOW),
        lambda r: r.calls,
        lambda _: 1,
    ),
    "usage.page": (
        lambda u, w: u.usage.page(w.user_id, _n("service", w), WINDOW),
        lambda r: r.instance_id,
        lambda w: _n("share", w),
    ),
    "sessions.find": (
        lambda u, w: u.sessions.find(w._hash("session")),
        lambda r: (r.user_id, r.tenant_id, r.role),
        lambda w: (w.user_id, w.tenant_id, "viewer"),
    ),
    "sessions.of_user": (lambda u, w: u.sessions.of_user(w.user_id), lambda r: r.user_id, lambda w: w.user_id),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_about_one_world_is_answered_with_its_row(worlds: Worlds, name: str) -> None:
    check(worlds, QUESTIONS[name])


def test_the_processes_to_probe_are_those_that_run(worlds: Worlds) -> None:
    with worlds.database.transaction() as uow:
        assert {each.process_id for each in uow.fleet.running()} == {101, 102}


def test_the_dashboards_of_services_tell_how_each_does(worlds: Worlds) -> None:
    with worlds.database.transaction() as uow:
        status = {each.service_type: each for each in uow.services.dashboard()}
        due = {target.service_type for target in uow.services.check_due(LATER)}
        used = {each.service_type: each.calls for each in uow.usage.by_service(WINDOW)}
        newest = {user.email for user in uow.users.newest(Mark(LATER, UUID(int=0)))}
        counts = uow.ports.counts("world-1")
    assert (status["service-1"].is_healthy, status["service-1"].active_users) == (True, 1)
    assert {"service-1", "service-2", "figma"} <= due
    assert used == {"service-1": 1, "service-2": 1}
    assert newest == {"user-1@worlds.example", "user-2@worlds.example"}
    assert (counts.available, counts.leased, counts.set_aside, counts.total) == (0, 1, 0, 1)


def test_pages_follow_each_other_without_gap_or_double_even_within_one_moment(
    worlds: Worlds,
) -> None:
    database, world = worlds.database, worlds.first
    moment = NOW - timedelta(minutes=30)
    ids = {uuid4() for _ in range(7)}
    with database.transaction() as uow:
        for log_id in ids:
            uow._driver.execute(
                "INSERT INTO mcp_logs (id, mcp_instance_id, timestamp, message) VALUES (%s, %s, %s, 'one of many')",
                [log_id, world.instance_id, moment],
            )
    assert _paged(database, world.instance_id, moment) == sorted(ids, reverse=True)


def _paged(database: Database, instance_id: UUID, moment: datetime) -> list[UUID]:
    found: list[UUID] = []
    mark: Mark | None = None
    window = Window(moment, moment + timedelta(minutes=1))
    while True:
        with database.transaction() as uow:
            look = uow.logs.look(instance_id, window, Wanted(), before=mark, lines=3)
        found += [row.id for row in look.rows]
        mark = look.end
        if mark is None:
            return found
