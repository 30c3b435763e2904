"""The code in the documentation runs as it stands, but for the address of Redis."""

import re
import shlex
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import redis

import producers
import producers.testing
from docs.examples import USER
from producers.__main__ import main
from tests.databases import TestDatabase

ROOT = Path(__file__).parents[2]
WRITTEN_URL = "redis://localhost:6379/0"
WRITTEN_DATABASE = "postgresql://shop:PASSWORD@localhost:5432/minimcp"


def blocks(page: str, language: str) -> list[tuple[int, str]]:
    """Give the fenced blocks of a language with the lines that they begin in."""
    text = (ROOT / page).read_text(encoding="utf-8")
    fences = re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, fence.start(1)), fence[1]) for fence in fences]


@pytest.fixture(autouse=True)
def _as_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client be known by the name that its distribution has."""
    monkeypatch.setitem(sys.modules, "minimcp_producers", producers)
    monkeypatch.setitem(sys.modules, "minimcp_producers.testing", producers.testing)


@pytest.fixture
def service_url(test_database: TestDatabase) -> str:
    """Give the URL of a service's login, for which the user of the examples is known."""
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", USER)
    return test_database.producer_url()


@pytest.mark.parametrize(("page", "least"), [("README.md", 1), ("docs/producers.md", 10)])
def test_python_runs(page: str, least: int, redis_url: str, service_url: str) -> None:
    namespace: dict[str, Any] = {"user_id": uuid4(), "__name__": page}
    found = blocks(page, "python")
    assert len(found) >= least
    for line, block in found:
        # The line numbers of an error are those of the page.
        source = "\n" * line + block.replace(WRITTEN_URL, redis_url).replace(WRITTEN_DATABASE, service_url)
        exec(compile(source, page, "exec"), namespace)  # noqa: S102  running the page is the test
    assert redis.Redis.from_url(redis_url).llen("dramatiq:instances") > 0


def test_sql_runs(test_database: TestDatabase, service_url: str) -> None:
    ((_, block),) = blocks("docs/producers.md", "sql")
    with psycopg.connect(service_url, autocommit=True) as connection:
        connection.execute(block.encode())
    entered = test_database.ask("SELECT wire_name, payload, message_id FROM outbox ORDER BY wire_name")
    for wire_name, payload, message_id in entered:
        producers.CONTRACTS[str(wire_name)].received(payload, message_id=str(message_id))
    assert [wire_name for wire_name, _, _ in entered] == ["instances.create.v1", "users.erase.v1"]


def test_what_the_page_sent_is_what_it_says(redis_url: str, service_url: str, test_database: TestDatabase) -> None:
    test_python_runs("docs/producers.md", 1, redis_url, service_url)
    assert test_database.ask("SELECT wire_name FROM outbox") == [("instances.delete.v1",)]
    client = redis.Redis.from_url(redis_url)
    assert client.llen("dramatiq:logs") == 5
    assert client.llen("dramatiq:health") == 1
    # Created, started, failed, deleted; the message of the retries went out three times under one id.
    assert client.llen("dramatiq:instances") == 7
    assert client.hlen("dramatiq:instances.msgs") == 5


def test_every_error_that_the_page_names_can_be_caught() -> None:
    page = (ROOT / "docs" / "producers.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert len(named) == 8
    assert all(issubclass(getattr(producers, name), producers.ProducerError) for name in named)


def test_shell_commands_run(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    commands = [line for _, block in blocks("docs/producers.md", "sh") for line in block.splitlines()]
    for command in commands:
        python, module, name, *arguments = shlex.split(command)
        assert [python, module, name] == ["python", "-m", "minimcp_producers"]
        assert main(arguments) == 0
    assert redis.Redis.from_url(redis_url).llen("dramatiq:instances") == 1


@pytest.mark.parametrize("page", ["README.md", "docs/producers.md", "docs/messages.md", "examples/nodejs/README.md"])
def test_every_link_to_a_file_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [target.partition("#")[0] for target in re.findall(r"\]\((?!https?:)([^)]*)\)", text)]
    assert [target for target in targets if target and not (ROOT / page).parent.joinpath(target).exists()] == []
