"""A walk finds every line that is wanted, in its order, whatever the size of its steps, and says how far it came."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest

from db.engine import Database
from db.errors import DatabaseError
from db.looking import Wanted
from db.page import Window
from db.repositories import statements
from db.repositories.logs import Logs
from tests.databases import TestDatabase
from workers.__main__ import main
from workers.applier import Applier
from workers.commands import lines, walking
from workers.commands.dead_letters import CommandError
from workers.commands.output import STOPPED
from workers.commands.progress import Progress
from workers.commands.walking import TooSlow, Walk

from .printed import NOW, an_instance, noting, printed

pytestmark = pytest.mark.usefixtures("user")

HOUR: Final = Window(NOW - timedelta(hours=1), NOW + lines.AHEAD)


@pytest.fixture
def instance_ids(applier: Applier, database: Database) -> tuple[UUID, ...]:
    """Have three instances print, the first more than the others, many at the same moment, and one nothing."""
    ids = tuple(an_instance(applier) for _ in range(4))
    for minute in range(30):
        printed(
            database, ids[minute % 5 // 2], f"{minute:02}", f"{minute:02} again", at=NOW - timedelta(minutes=minute)
        )
        printed(database, ids[0], f"{minute:02} at once", at=NOW - timedelta(minutes=minute // 10))
    return ids


def _walk(database: Database, instance_ids: tuple[UUID, ...], words: str | None = None) -> Walk:
    with database.transaction() as uow:
        wanted = Wanted(words=uow.logs.words(words) if words else None)
    return Walk(database, instance_ids, HOUR, wanted, limit=1_000)


@pytest.fixture(params=[(1, 1), (2, 3), (500, 20_000)], ids=str)
def _steps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a walk look at from so many lines to so many in a step."""
    least, most = request.param
    monkeypatch.setattr(walking, "LEAST", least)
    monkeypatch.setattr(walking, "MOST", most)


@pytest.mark.usefixtures("_steps")
@pytest.mark.parametrize("words", [None, "again", "nothing of that"])
def test_a_walk_gives_what_one_statement_gives(
    database: Database, instance_ids: tuple[UUID, ...], test_database: TestDatabase, words: str | None
) -> None:
    walk = _walk(database, instance_ids, words)
    found = [row.id for rows in walk for row in rows]
    expected = test_database.ask(
        "SELECT id FROM mcp_logs WHERE %s::text IS NULL OR to_tsvector('simple', message)"
        " @@ websearch_to_tsquery('simple', %s) ORDER BY timestamp DESC, id DESC",
        words,
        words,
    )
    assert [(each,) for each in found] == expected
    assert (walk.lines, walk.edge) == (90, None)


def test_what_is_rare_is_looked_for_in_statements_that_look_at_few_lines_each(
    database: Database, instance_ids: tuple[UUID, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "LEAST", 5)
    monkeypatch.setattr(walking, "MOST", 20)
    looks = noting(monkeypatch, "look")
    assert [rows for rows in _walk(database, instance_ids, "never") if rows] == []
    assert max(look.lines for look in looks) == 20


def test_a_step_reads_no_more_than_it_looks_at_however_few_lines_the_planner_expects(
    database: Database, instance_ids: tuple[UUID, ...], test_database: TestDatabase
) -> None:
    """Where it takes an instance for a small one, to read all that it has and sort it seems cheaper."""
    test_database.ask(
        "INSERT INTO mcp_logs (mcp_instance_id, message, timestamp) SELECT (%s::uuid[])[1 + n %% 2], 'a line',"
        " %s - n * interval '10 ms' FROM generate_series(1, 20000) n",
        list(instance_ids[:2]),
        NOW,
    )
    test_database.ask("ANALYZE mcp_logs")
    values = {"instance_id": instance_ids[0], "lines": 20_000, **Wanted().values(), **HOUR.values(None, 100)}
    with database.transaction() as uow:
        uow.logs.read_in_order()
        rows = uow._driver.execute(b"EXPLAIN " + statements()["logs.look"].sql, values).fetchall()
    nodes = {str(line).partition("  (cost")[0].strip(" ->") for (line,) in rows}
    assert "Incremental Sort" in nodes
    assert "Sort" not in nodes


def test_a_statement_that_takes_too_long_is_tried_with_fewer_lines(
    database: Database, instance_ids: tuple[UUID, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_order = Logs.read_in_order

    def slow(logs: Logs) -> None:
        in_order(logs)
        if walk._pace.lines > 20:
            logs._driver.execute("SET LOCAL statement_timeout = 1")
            logs._driver.execute("SELECT pg_sleep(10)")

    monkeypatch.setattr(Logs, "read_in_order", slow)
    walk = _walk(database, instance_ids)
    with pytest.raises(TooSlow, match=r"did not read 500 lines .* ask again"):
        list(walk)
    monkeypatch.setattr(walking, "LEAST", 3)
    walk = _walk(database, instance_ids)
    walk._pace.lines = 20_000
    assert sum(len(rows) for rows in walk) == 90


def test_another_error_than_a_time_out_is_told(
    database: Database, instance_ids: tuple[UUID, ...], test_database: TestDatabase
) -> None:
    test_database.ask("ALTER TABLE mcp_logs RENAME COLUMN message TO words")
    with pytest.raises(DatabaseError, match="does not exist"):
        list(_walk(database, instance_ids))


QUERIES: Final = (
    *("refused", "REFUSED connection", '"connection refused"', "refused -connection", "kelvin or refused", "-refused"),
    *("over-sized", "äÖü", "ISTANBUL", "https://example.org/a?b=c%20d", "o'brien", "10.0.0.1", "a_b", "50%", "or", "ß"),
    *('"kilo or', "back\\slash", "user@example.org", "-1.5e3", "/var/log/x.log", "x or -y", "\u212a\u0130"),
)
MESSAGES: Final = (
    *("Connection refused", "connection was REFUSED by 10.0.0.1", "an Over-Sized body", "ÄÖÜ äöü ß", "\u0130stanbul"),
    *("GET HTTPS://example.org/a?b=c%20d", "O'Brien", "A_B 50% off", "1 \u212aelvin", "\u212a\u0130lo", "KILO OR two"),
    *("back\\slash", "User@Example.org", "-1.5E3", "in /var/log/x.log", "x y", "or", "\u212a\u0130", "istanbul", ""),
)


@pytest.mark.parametrize("query", QUERIES)
def test_lines_are_passed_over_only_if_they_do_not_have_the_words(
    database: Database, applier: Applier, test_database: TestDatabase, query: str
) -> None:
    instance_id = an_instance(applier)
    printed(database, instance_id, *MESSAGES)
    found = [row.message for rows in _walk(database, (instance_id,), query) for row in rows]
    expected = test_database.ask(
        "SELECT message FROM mcp_logs WHERE to_tsvector('simple', message) @@ websearch_to_tsquery('simple', %s)", query
    )
    assert sorted(found) == sorted(str(message) for (message,) in expected)


def test_lines_without_the_letters_are_passed_over_before_they_are_split_into_words(database: Database) -> None:
    with database.transaction() as uow:
        found = {query: uow.logs.words(query) for query in ("a timeout", "timeout or Refused", "-timeout", "- &", "k")}
    traces = {query: words and list(words.traces) for query, words in found.items()}
    assert traces == {
        "a timeout": ["%t%meout%"],
        "timeout or Refused": ["%t%meout%", "%refused%"],
        "-timeout": ["%%"],
        "- &": None,
        "k": ["%%%"],
    }


@pytest.fixture
def asked(test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", test_database.worker_url)


def test_words_in_which_the_database_finds_none_are_refused(database: Database, instance_ids: tuple[UUID, ...]) -> None:
    with pytest.raises(CommandError, match="letters and digits are searched for"):
        lines.wanted(database, lines.Question(instance_ids, HOUR, words='"& !'))


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["search", "nowhere"], "nothing found in 36 lines from "),
        (["tail", "--until", "40m"], "no line was printed from "),
    ],
)
def test_whoever_finds_nothing_is_told_how_far_was_looked(
    instance_ids: tuple[UUID, ...], arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["logs", *arguments, "--instance", str(instance_ids[1]), "--instance", str(instance_ids[2])])
    out, told = capsys.readouterr()
    assert out == ""
    assert sentence in told


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("question", [("search", "again"), ("tail",)], ids=str)
@pytest.mark.parametrize("limit", [2, 5, 7])
def test_pages_together_hold_every_line_once_however_many_a_step_finds(
    instance_ids: tuple[UUID, ...],
    question: tuple[str, ...],
    limit: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(walking, "LEAST", 4)
    monkeypatch.setattr(walking, "MOST", 9)
    command = ["logs", *question, *(f"--instance={each}" for each in instance_ids)]
    assert main(command) == 0
    everything = capsys.readouterr().out.splitlines()
    pages: list[str] = []
    further: list[str] = ["--limit", str(limit)]
    while len(pages) <= len(everything):
        assert main([*command, *further]) == 0
        out, told = capsys.readouterr()
        pages = [*pages, *out.splitlines()] if question[0] == "search" else [*out.splitlines(), *pages]
        if not told.startswith("older lines: "):
            break
        further[2:] = ["--before", told.split()[-1]]
    assert pages == everything


@pytest.mark.usefixtures("asked")
def test_a_search_that_is_stopped_says_where_to_go_on(
    instance_ids: tuple[UUID, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(walking, "LEAST", 1)
    monkeypatch.setattr(walking, "MOST", 2)
    question = ["logs", "search", "again", *(f"--instance={each}" for each in instance_ids)]
    assert main(question) == 0
    everything = capsys.readouterr().out.splitlines()
    show = Progress.show
    steps = iter(range(9))

    def stopped(progress: Progress, walk: Walk, found: int) -> None:
        show(progress, walk, found)
        if next(steps, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "show", stopped)
    assert main(question) == STOPPED
    out, told = capsys.readouterr()
    assert 0 < len(out.splitlines()) < len(everything)
    assert told.startswith("stopped; older lines: --before ")
    monkeypatch.setattr(Progress, "show", show)
    assert main([*question, "--before", told.split()[-1]]) == 0
    assert out.splitlines() + capsys.readouterr().out.splitlines() == everything
