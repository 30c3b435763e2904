from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from db.engine import Database
from db.errors import PartitionMissing
from db.repositories.health import HealthReportRow
from db.repositories.targets import Subject

from .given import Given, at_once

START = datetime.now(UTC).replace(microsecond=0)


def _report(instance_id: UUID, slot: int, verdict: str = "up", *, checked_later: int = 1) -> HealthReportRow:
    at = START + timedelta(seconds=30 * slot)
    checked_at = at + timedelta(seconds=checked_later)
    return HealthReportRow(instance_id, at, verdict, checked_at, response_ms=12.5, error=None, era="modern")


def _record(db: Database, *reports: HealthReportRow) -> int:
    with db.transaction() as uow:
        uow.targets.of(Subject("instance", str(report.target_id)) for report in reports)
        return uow.health.record(reports).slots


def _verdict(given: Given, instance_id: UUID) -> tuple[object, ...]:
    rows = given.database.ask(
        "SELECT verdict, scheduled_at, consecutive_failures, last_alive_at, consecutive_successes, last_failed_at"
        " FROM health_targets WHERE id = %s",
        instance_id,
    )
    return rows[0] if rows else ()


def test_a_late_check_does_not_replace_a_newer_one(db: Database, given: Given) -> None:
    """Messages overtake each other; the newest slot wins whatever the order."""
    instance_id = given.an_instance(db)
    assert _record(db, _report(instance_id, 2, "up")) == 1
    assert _record(db, _report(instance_id, 1, "timeout")) == 1
    assert _verdict(given, instance_id)[0] == "up"


def test_a_slot_counts_once(db: Database, given: Given) -> None:
    instance_id = given.an_instance(db)
    assert _record(db, _report(instance_id, 1, "timeout"), _report(instance_id, 1, "timeout")) == 1
    assert _record(db, _report(instance_id, 1, "timeout", checked_later=9)) == 0
    assert _verdict(given, instance_id)[2] == 1


def test_failures_count_until_a_sign_of_life(db: Database, given: Given) -> None:
    instance_id = given.an_instance(db)
    _record(db, *(_report(instance_id, slot, "unreachable") for slot in range(3)))
    assert _verdict(given, instance_id)[2] == 3
    _record(db, _report(instance_id, 3, "auth_required"))
    assert _verdict(given, instance_id)[2] == 0
    assert _verdict(given, instance_id)[3] == START + timedelta(seconds=90)


def test_a_sign_of_life_that_comes_late_leaves_only_the_failures_after_it(db: Database, given: Given) -> None:
    instance_id = given.an_instance(db)
    _record(db, _report(instance_id, 1, "timeout"), _report(instance_id, 3, "timeout"))
    _record(db, _report(instance_id, 4, "timeout"), _report(instance_id, 2, "up"))
    assert _verdict(given, instance_id)[:3] == ("timeout", START + timedelta(seconds=120), 2)


def test_reports_of_targets_that_never_were_are_named_and_skipped(db: Database, given: Given) -> None:
    instance_id, stranger = given.an_instance(db), uuid4()
    with db.transaction() as uow:
        assert uow.targets.of([Subject("instance", str(stranger))]) == {}
        uow.targets.of([Subject("instance", str(instance_id))])
        recorded = uow.health.record([_report(stranger, 1), _report(instance_id, 1)])
    assert (recorded.slots, recorded.unknown) == (1, (stranger,))
    with db.transaction() as uow:
        assert uow.health.record([_report(stranger, 1)]).slots == 0


def test_a_check_is_seen_on_the_instance(db: Database, given: Given) -> None:
    instance_id = given.an_instance(db)
    _record(db, _report(instance_id, 5), _report(instance_id, 4))
    seen = given.database.value("SELECT last_health_check FROM mcp_instances WHERE id = %s", instance_id)
    assert seen == START + timedelta(seconds=151)


slots = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["up", "timeout"])), max_size=8, unique_by=lambda s: s[0])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@for_all(slots=slots, seed=st.integers(0, 1_000_000))
def test_any_order_repetition_and_batching_ends_in_the_same_verdict(
    db: Database, given: Given, slots: list[tuple[int, str]], seed: int
) -> None:
    random = Random(seed)
    in_order, mixed = given.an_instance(db), given.an_instance(db)
    for slot, verdict in sorted(slots):
        _record(db, _report(in_order, slot, verdict))
    deliveries = [*slots, *random.choices(slots, k=3)] if slots else []
    random.shuffle(deliveries)
    while deliveries:
        batch = [deliveries.pop() for _ in range(random.randint(1, len(deliveries)))]
        _record(db, *(_report(mixed, slot, verdict) for slot, verdict in batch))
    assert _verdict(given, in_order) == _verdict(given, mixed)


def test_batches_about_the_same_instances_in_any_order_do_not_deadlock(db: Database, given: Given) -> None:
    instances = [given.an_instance(db) for _ in range(3)]
    orders: list[Sequence[UUID]] = list(permutations(instances))

    def reporting(number: int, order: Sequence[UUID]) -> int:
        return sum(
            _record(db, *(_report(instance_id, 10 * number + step, "timeout") for instance_id in order))
            for step in range(5)
        )

    counts = at_once([lambda n=number, o=order: reporting(n, o) for number, order in enumerate(orders)])  # type: ignore[misc]  # mypy cannot infer a lambda's defaults
    assert sum(counts) == 6 * 5 * 3
    assert [_verdict(given, instance_id)[2] for instance_id in instances] == [30, 30, 30]


def test_a_slot_of_a_month_without_a_partition_says_which_one_is_missing(db: Database, given: Given) -> None:
    instance_id = given.an_instance(db)
    far = HealthReportRow(instance_id, START + timedelta(days=200), "up", START)
    with pytest.raises(PartitionMissing) as missing:
        _record(db, far)
    assert (missing.value.table, missing.value.at) == ("health_checks", [far.scheduled_at])
