"""The slot of a check is not far ahead of the message that carries it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from producers import CheckHealth, HealthReported, HealthTarget, InvalidMessage
from producers import message_id as ids
from tests.unit.producers.samples import NOON, report


def test_a_slot_is_at_most_ten_minutes_after_the_moment_of_the_message_id() -> None:
    """The newest slot wins: one of next year would hide every check until then."""
    message_id = ids.of_tick("x", NOON)
    latest, later = NOON + timedelta(minutes=10), NOON + timedelta(minutes=10, seconds=1)
    reports = [report(scheduled_at=slot) for slot in (latest, later)]
    targets = [
        HealthTarget(instance_id=uuid4(), url="http://host/", scheduled_at=each.scheduled_at) for each in reports
    ]
    HealthReported(message_id=message_id, reports=reports[:1])
    CheckHealth(message_id=message_id, targets=targets[:1])
    problem = "scheduled_at of item 1 is more than 10 minutes after the moment of the message id"
    with pytest.raises(InvalidMessage, match=f"health.reported.v1 .* reports: {problem}"):
        HealthReported(message_id=message_id, reports=reports)
    with pytest.raises(InvalidMessage, match=f"health.check.v1 .* targets: {problem}"):
        CheckHealth(message_id=message_id, targets=targets)
    with pytest.raises(InvalidMessage, match="reports"):
        HealthReported(reports=[report(scheduled_at=datetime.now(UTC) + timedelta(minutes=11))])


def test_a_slot_beside_an_id_that_is_none_is_not_what_is_wrong() -> None:
    with pytest.raises(InvalidMessage, match="message_id") as refused:
        HealthReported(message_id=uuid4(), reports=[report(scheduled_at=NOON.replace(year=9999))])
    assert "scheduled_at" not in str(refused.value)
