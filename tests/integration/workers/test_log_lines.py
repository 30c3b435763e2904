"""What people and programs read of the lines that instances printed, and what they follow."""

import json
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from tests.databases import TestDatabase
from workers.__main__ import main
from workers.applier import Applier
from workers.commands import lines

from .printed import NOW, an_instance, printed

pytestmark = pytest.mark.usefixtures("user")

Ask = Callable[..., list[str]]


@pytest.fixture
def instance_id(applier: Applier) -> UUID:
    return an_instance(applier)


@pytest.fixture
def ask(test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run the command and give the lines of its answer."""
    monkeypatch.setenv("DATABASE_URL", test_database.worker_url)

    def run(*arguments: object) -> list[str]:
        assert main(["logs", *map(str, arguments)]) == 0
        return capsys.readouterr().out.splitlines()

    return run


def test_the_newest_lines_of_several_instances_are_told_in_the_order_of_their_times(
    ask: Ask, applier: Applier, database: Database, instance_id: UUID
) -> None:
    other = an_instance(applier)
    for minute in range(5):
        printed(database, (instance_id, other)[minute % 2], f"line {minute}", at=NOW - timedelta(minutes=9 - minute))
    told = ask("tail", "--instance", instance_id, "--instance", other, "--limit", 3)
    assert [each.rpartition("  ")[2] for each in told] == ["line 2", "line 3", "line 4"]
    assert told[0].startswith(f"{NOW - timedelta(minutes=7):%Y-%m-%d %H:%M:%S}")
    assert f"info   …{str(instance_id)[-8:]}" in told[0]


@pytest.mark.usefixtures("ask")
def test_a_page_says_where_the_next_one_begins(
    database: Database, instance_id: UUID, capsys: pytest.CaptureFixture[str]
) -> None:
    printed(database, instance_id, *(f"{n:02}" for n in range(25)))
    found: list[str] = []
    arguments: list[object] = ["tail", "--instance", instance_id, "--limit", 10, "--json"]
    while True:
        assert main(["logs", *map(str, arguments)]) == 0
        out, told = capsys.readouterr()
        found = [json.loads(line)["message"] for line in out.splitlines()] + found
        if not told:
            break
        arguments = [*arguments[:6], "--before", told.split()[-1]]
    assert found == [f"{n:02}" for n in range(25)]


def test_only_the_time_and_the_levels_that_were_asked_for_are_told(
    ask: Ask, database: Database, instance_id: UUID
) -> None:
    for level in lines.LEVELS:
        printed(database, instance_id, f"{level} long ago", at=NOW - timedelta(hours=3), level=level)
        printed(database, instance_id, f"{level} now", level=level)
    worse = ask("tail", "--instance", instance_id, "--level", "warn", "--since", "2h", "--json")
    assert [json.loads(line)["message"] for line in worse] == ["warn now", "error now"]
    until = (NOW - timedelta(hours=2)).replace(tzinfo=None).isoformat()
    before = ask("tail", "--instance", instance_id, "--level", "error", "--until", until, "--json")
    assert [json.loads(line)["message"] for line in before] == ["error long ago"]


def test_words_are_searched_for(ask: Ask, database: Database, instance_id: UUID) -> None:
    printed(database, instance_id, "connection refused by 10.0.0.1", "refused the connection", "ready")
    assert len(ask("search", "connection refused", "--instance", instance_id)) == 2
    assert len(ask("search", '"connection refused"', "--instance", instance_id)) == 1
    assert len(ask("search", "ready or refused -by", "--instance", instance_id)) == 2


def test_programs_get_a_json_object_on_each_line(ask: Ask, database: Database, instance_id: UUID) -> None:
    printed(database, instance_id, "two\nlines \x1b[31m", metadata={"a": {"b": 1}}, source="system")
    (line,) = ask("tail", "--instance", instance_id, "--json")
    told = json.loads(line)
    assert {**told, "id": None} == {
        "id": None,
        "instance_id": str(instance_id),
        "timestamp": NOW.isoformat(),
        "level": "info",
        "source": "system",
        "message": "two\nlines \x1b[31m",
        "metadata": {"a": {"b": 1}},
    }


def test_nothing_that_an_instance_prints_commands_the_terminal(ask: Ask, database: Database, instance_id: UUID) -> None:
    printed(database, instance_id, "\x1b]0;title\x07 \r\u202e\x9b2J\n2026 faked line\n", metadata={"\x1b[1m": "\x1b"})
    told = ask("tail", "--instance", instance_id)
    assert len(told) == 2
    assert told[1].startswith("    2026 faked line")
    assert all(character.isprintable() for line in told for character in line)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--since", "yesterday"], "is no moment: write 30m, 2h or 7d"),
        (["--since", "999999w"], "is no moment"),
        (["--since", "0001-01-01"], "is no moment"),
        (["--limit", "0"], "is not a whole number from 1 to 10,000"),
        (["--before", "page 2"], "is not where a page begins"),
        (["--level", "shout"], "invalid choice"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_to_write(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["logs", "tail", "--instance", str(uuid4()), *arguments])
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("ask")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "there is no instance"),
        (["--since", "1h", "--until", "2h"], "is not before --until"),
        (["--since", "2199-01-01"], "error: --since 2199-01-01 00:00:00 (UTC) is still to come\n"),
        (["--follow", "--until", "1m"], "leave out --until and --before"),
    ],
)
def test_a_question_without_an_answer_is_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", "tail", "--instance", str(uuid4()), *arguments]) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("ask")
def test_words_outside_of_quotes_are_told_to_be_put_in_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["connection", "refused", "--instance", str(uuid4())],
        ["--instance", str(uuid4()), "connection", "refused"],
    ):
        assert main(["logs", "search", *arguments]) == 1
        assert capsys.readouterr().err == "error: put the words in one pair of quotes: 'connection refused'\n"


@pytest.mark.parametrize("words", ["", " - ", "x" * 501])
def test_a_search_for_nothing_is_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["logs", "search", "--instance", str(uuid4()), "--", words])
    assert "search for a word or more" in capsys.readouterr().err
