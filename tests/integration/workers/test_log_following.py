"""Lines are followed as they are committed: each once, none left out, however long somebody else's transaction is."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import psycopg
import pytest

from db.engine import Database
from db.looking import LogRow
from db.page import Window
from producers import LogLine, LogsEmitted
from producers.message_id import of_content
from tests.databases import TestDatabase
from workers.applier import Applier
from workers.commands import following, lines
from workers.commands.following import Following
from workers.commands.lines import Question

from .deliveries import delivered
from .printed import NOW, an_instance, noting, printed

pytestmark = pytest.mark.usefixtures("user")

_A_LINE: Final = "INSERT INTO mcp_logs (mcp_instance_id, timestamp, message) VALUES (%s, %s, %s)"
_MANY_LINES: Final = (
    "INSERT INTO mcp_logs (mcp_instance_id, message, timestamp)"
    " SELECT %s, %s || '-' || to_char(n, 'FM00000'), %s - n * interval '10 ms' FROM generate_series(0, 9999) n"
)


@pytest.fixture
def instance_id(applier: Applier) -> UUID:
    return an_instance(applier)


def _follow(
    database: Database, *instance_ids: UUID, words: str | None = None, levels: Sequence[str] | None = None
) -> Following:
    window = Window(NOW - timedelta(hours=1), NOW + lines.AHEAD)
    return Following(database, Question(instance_ids, window, words=words, levels=levels))


def _texts(rows: list[LogRow]) -> list[str]:
    return [row.message for row in rows]


def test_lines_are_followed_once_each(database: Database, instance_id: UUID) -> None:
    printed(database, instance_id, "before")
    follower = _follow(database, instance_id)
    assert _texts(follower.begin()) == ["before"]
    assert follower.poll() == []
    printed(database, instance_id, "a", "b", at=NOW + timedelta(seconds=1))
    assert _texts(follower.poll()) == ["a", "b"]
    assert follower.poll() == []


@pytest.mark.parametrize("within", ["", "SAVEPOINT part"])
def test_a_line_that_is_committed_late_is_followed_although_newer_ones_were_told(
    database: Database, instance_id: UUID, test_database: TestDatabase, within: str
) -> None:
    """Its id, its time and the moment of its transaction are all older than what was told before."""
    follower = _follow(database, instance_id)
    with psycopg.connect(test_database.worker_url) as slow:
        # A first change, so that the transaction is older than its savepoint.
        slow.execute("INSERT INTO log_quarantine (reason, payload) VALUES ('unknown-instance', '{}')")
        printed(database, instance_id, "at first", at=NOW - timedelta(minutes=2))
        assert _texts(follower.begin()) == ["at first"]
        slow.execute(within or "SELECT")
        slow.execute(
            "INSERT INTO mcp_logs (mcp_instance_id, timestamp, message) VALUES (%s, %s, 'late')",
            [instance_id, NOW - timedelta(minutes=9)],
        )
        printed(database, instance_id, "newer", at=NOW)
        assert _texts(follower.poll()) == ["newer"]
        assert follower.poll() == []
        slow.commit()
        assert _texts(follower.poll()) == ["late"]
        assert follower.poll() == []


def test_instances_with_different_clocks_are_followed_together(
    database: Database, applier: Applier, instance_id: UUID
) -> None:
    slow = an_instance(applier)
    printed(database, slow, "slow", at=NOW - timedelta(minutes=50))
    follower = _follow(database, instance_id, slow)
    follower.begin()
    printed(database, instance_id, "fast", at=NOW)
    assert _texts(follower.poll()) == ["fast"]
    printed(database, slow, "slow again", at=NOW - timedelta(minutes=49))
    assert _texts(follower.poll()) == ["slow again"]


def test_lines_of_a_clock_that_is_as_fast_as_workers_accept_are_followed(
    database: Database, applier: Applier, instance_id: UUID
) -> None:
    """Such a message may hold older lines too, with which all of its transaction counts as seen."""
    follower = _follow(database, instance_id)
    assert follower.begin() == []
    fast = timedelta(minutes=9)
    made = [LogLine(instance_id=instance_id, timestamp=NOW + each * fast, message=str(each)) for each in range(3)]
    applier(delivered(LogsEmitted(message_id=of_content(b"fast", NOW + fast), lines=made)))
    assert _texts(follower.poll()) == ["0", "1", "2"]


def test_words_and_levels_are_followed(database: Database, instance_id: UUID) -> None:
    follower = _follow(database, instance_id, words="refused", levels=["error"])
    assert follower.begin() == []
    printed(database, instance_id, "refused", "accepted", level="error")
    printed(database, instance_id, "refused")
    assert [(row.message, row.level) for row in follower.poll()] == [("refused", "error")]


def test_following_ends_when_it_is_told_to(database: Database, instance_id: UUID) -> None:
    printed(database, instance_id, "first")
    told: list[str] = []

    def wait(seconds: float) -> bool:
        if seconds == 0:
            return False
        assert seconds >= 1
        printed(database, instance_id, f"after {len(told)}")
        return len(told) == 3

    question = Question((instance_id,), Window(NOW - timedelta(hours=1), NOW + lines.AHEAD))
    following.follow(database, question, lambda row: told.append(row.message), wait)
    assert told == ["first", "after 1", "after 2"]


def test_fifty_thousand_lines_are_told_once_and_read_in_pages_while_a_transaction_stays_open(
    database: Database, instance_id: UUID, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was told is known by its transactions, of which there are few, and is not sent again."""
    monkeypatch.setattr(following, "LINES", 4_000)
    looks = noting(monkeypatch, "arrived")
    follower = _follow(database, instance_id)
    with psycopg.connect(test_database.worker_url) as slow:
        slow.execute(_A_LINE, [instance_id, NOW, "from the beginning"])
        assert follower.begin() == []
        told: list[str] = []
        for part in range(5):
            test_database.ask(_MANY_LINES, instance_id, part, NOW)
            told += _texts(follower.poll())
        assert sorted(told) == [f"{part}-{number:05}" for part in range(5) for number in range(10_000)]
        looks.clear()
        assert follower.poll() == []
        assert [(len(look.rows), look.lines) for look in looks] == [(0, 4_000)] * 12 + [(0, 2_000)]
        assert len(follower._followed[instance_id].seen) == 5
        slow.commit()
    assert _texts(follower.poll()) == ["from the beginning"]
    assert follower.poll() == []
    assert follower._followed[instance_id].seen == {}


def test_a_transaction_with_lines_on_several_pages_is_told_whole(
    database: Database, instance_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LINES", 3)
    follower = _follow(database, instance_id)
    assert follower.begin() == []
    printed(database, instance_id, *(str(number) for number in range(10)))
    assert _texts(follower.poll()) == [str(number) for number in range(10)]
    assert follower.poll() == []


def test_lines_that_come_while_the_newest_are_looked_for_are_told_once(
    database: Database, instance_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed(database, instance_id, "before")
    follower = _follow(database, instance_id)
    find: Callable[..., list[LogRow]] = lines.newest

    def slow(*arguments: object) -> list[LogRow]:
        printed(database, instance_id, "meanwhile", at=NOW + timedelta(seconds=1))
        rows = find(*arguments)
        printed(database, instance_id, "after", at=NOW + timedelta(seconds=2))
        return rows

    monkeypatch.setattr(following, "newest", slow)
    assert _texts(follower.begin()) == ["before", "meanwhile"]
    assert _texts(follower.poll()) == ["after"]


def test_transactions_whose_lines_are_too_old_to_be_looked_at_are_forgotten(
    database: Database, instance_id: UUID, test_database: TestDatabase
) -> None:
    follower = _follow(database, instance_id)
    with psycopg.connect(test_database.worker_url) as slow:
        slow.execute(_A_LINE, [instance_id, NOW, "never committed"])
        follower.begin()
        for minutes in (40, 25, 10, 0):
            printed(database, instance_id, "a line", at=NOW - timedelta(minutes=minutes))
            assert _texts(follower.poll()) == ["a line"]
        assert len(follower._followed[instance_id].seen) == 2
