"""Ids sort by time, and a tick has the same one everywhere."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from producers import message_id as ids

MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  given a zone


def test_new_ids_are_uuids_of_version_7_and_sort_by_time() -> None:
    made = [ids.new() for _ in range(50)]
    assert all(ids.is_message_id(one) and one.variant == uuid4().variant for one in made)
    assert [ids.milliseconds(one) for one in made] == sorted(ids.milliseconds(one) for one in made)
    assert len(set(made)) == 50


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC)
    assert before - timedelta(milliseconds=1) <= ids.moment(ids.new()) <= datetime.now(UTC)


@given(MOMENTS)
def test_a_moment_survives_the_id_to_the_millisecond(moment: datetime) -> None:
    made = ids.of_tick("some.tick_due.v1", moment)
    assert ids.is_message_id(made)
    assert abs(ids.moment(made) - moment) <= timedelta(milliseconds=1)
    assert ids.moment(made) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ids.milliseconds(made))


@given(MOMENTS, MOMENTS)
def test_later_ids_are_greater(one: datetime, other: datetime) -> None:
    first, second = ids.of_tick("a", min(one, other)), ids.of_tick("a", max(one, other))
    assert ids.milliseconds(first) <= ids.milliseconds(second)
    if ids.milliseconds(first) != ids.milliseconds(second):
        assert first < second


@given(MOMENTS, st.integers(-14, 14))
def test_a_tick_has_one_id_in_every_time_zone(moment: datetime, hours: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))
    assert ids.of_tick("a", moment) == ids.of_tick("a", elsewhere)
    assert ids.of_tick("a", moment) != ids.of_tick("b", moment)


def test_a_tick_has_the_same_id_in_every_process_and_release() -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    known = UUID("01a1fdfa-4600-78b9-9a9b-833d05416084")
    assert ids.of_tick("maintenance.partitions_due.v1", noon) == known
    code = (
        "from datetime import UTC, datetime; from producers import PartitionsDue;"
        "print(PartitionsDue.at(datetime(2026, 11, 21, 12, tzinfo=UTC)).message_id)"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(known)


@given(st.uuids(version=4), st.integers(0, 1_000), st.integers(0, 1_000))
def test_parts_of_a_message_have_ids_of_their_own_at_its_time(seed: UUID, index: int, other: int) -> None:
    message_id = ids.of_tick(str(seed), datetime(2026, 11, 21, tzinfo=UTC))
    part = ids.derived(message_id, index)
    assert ids.is_message_id(part)
    assert ids.milliseconds(part) == ids.milliseconds(message_id)
    assert part == ids.derived(message_id, index)
    assert (part == ids.derived(message_id, other)) == (index == other)
    assert part != message_id


@given(st.uuids())
def test_only_version_7_before_the_year_10000_is_a_message_id(candidate: UUID) -> None:
    assert ids.is_message_id(candidate) == (
        candidate.version == 7
        and candidate.int >> 80 < datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp() * 1000
    )


def test_the_last_id_of_all_has_no_moment_and_is_refused() -> None:
    assert not ids.is_message_id(UUID("ffffffff-ffff-7fff-bfff-ffffffffffff"))
