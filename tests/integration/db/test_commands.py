"""`python -m db`, called as a shell calls it."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from db import roles, schema
from db.__main__ import main
from tests import databases
from tests.databases import PASSWORD, TestDatabase


@pytest.fixture
def empty(database_server_url: str) -> Iterator[TestDatabase]:
    database = databases._create(database_server_url, "empty")
    yield database
    databases.drop(database, database_server_url)


def test_an_empty_database_is_brought_up_step_by_step(empty: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"DATABASE_ADMIN_URL": empty.admin_url}
    assert main(["upgrade"], environment) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("up to 0001  Schemas")
    assert lines[-1] == f"{len(lines) - 1} steps done."
    assert main(["upgrade"], environment) == 0
    assert capsys.readouterr().out == "The schema is up to date.\n"
    assert main(["downgrade", "0009", "--json"], environment) == 0
    assert json.loads(capsys.readouterr().out)["steps"][-1].startswith("down from 0010")


def test_a_check_says_whether_a_worker_may_start(shared: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json"], {"DATABASE_URL": shared.worker_url}) == 0
    assert json.loads(capsys.readouterr().out) == {"fit": True, "revision": schema.head()}
    assert main(["check"], {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("PostgreSQL cannot be reached (")
    assert len(captured.err.splitlines()) == 1


def test_a_user_is_seeded_once(shared: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    user_id = uuid4()
    seed = ["seed", "--user-id", str(user_id), "--email", f"{user_id}@example.org", "--name", "Ada"]
    for answer in ("was added", "was there"):
        assert main(seed, {"DATABASE_URL": shared.admin_url}) == 0
        assert answer in capsys.readouterr().out
    taken = ["seed", "--user-id", str(uuid4()), "--email", f"{user_id}@EXAMPLE.org", "--name", "Bob"]
    assert main(taken, {"DATABASE_URL": shared.admin_url}) == 1
    assert "Another user has the address" in capsys.readouterr().err


def test_partitions_are_shown_as_a_table(shared: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["partitions"], {"DATABASE_URL": shared.worker_url}) == 0
    table = capsys.readouterr().out
    assert "public.mcp_logs" in table
    assert main(["--json", "partitions"], {"DATABASE_URL": shared.worker_url}) == 0
    assert {row["gaps"] for row in json.loads(capsys.readouterr().out)["tables"]} == {0}


def test_a_login_is_made_with_the_password_from_standard_input(
    shared: TestDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"DATABASE_URL": shared.admin_url}
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert main(["login", "minimcp_test_reader", "--role", "reader"], environment) == 0
    assert capsys.readouterr().out == "minimcp_test_reader may log in as a reader.\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["login", "minimcp_test_reader"], environment) == 1


@pytest.mark.parametrize("group", [roles.OWNER, *roles.GROUPS.values()])
def test_a_login_of_a_groups_name_is_refused(
    shared: TestDatabase, group: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("pw"))
    # Without the refusal the password would be set: let that fail, for the role is also other tests'.
    monkeypatch.setattr("db.roles._write_login", lambda *_: None)
    assert main(["login", group], {"DATABASE_URL": shared.admin_url}) == 1
    assert "choose another name for this login" in capsys.readouterr().err


def test_a_login_that_is_a_member_of_the_owner_is_refused(
    shared: TestDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    login = f"minimcp_test_{uuid4().hex[:8]}"
    shared.ask(f"CREATE ROLE {login}; GRANT {roles.OWNER} TO {login}")
    try:
        monkeypatch.setattr("sys.stdin", io.StringIO("pw"))
        assert main(["login", login], {"DATABASE_URL": shared.admin_url}) == 1
        assert "is a member of mcp_owner; choose another name" in capsys.readouterr().err
    finally:
        shared.ask(f"DROP ROLE {login}")


def test_a_login_before_the_first_upgrade_says_what_comes_first(
    empty: TestDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("db.roles.GROUPS", {"worker": "mcp_nobody_yet"})
    monkeypatch.setattr("sys.stdin", io.StringIO("pw"))
    assert main(["login", "x"], {"DATABASE_URL": empty.admin_url}) == 1
    assert "run `python -m db upgrade` first" in capsys.readouterr().err


def test_a_url_may_be_in_a_file(shared: TestDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = tmp_path / "database_url"
    secret.write_text(f"{shared.worker_url}\n")
    assert main(["check"], {"DATABASE_URL_FILE": str(secret)}) == 0
    assert main(["check"], {"DATABASE_URL_FILE": str(tmp_path / "missing")}) == 1
    assert "DATABASE_URL_FILE cannot be read" in capsys.readouterr().err


def test_without_a_url_the_variable_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upgrade"], {}) == 1
    assert "Set DATABASE_ADMIN_URL" in capsys.readouterr().err


def test_a_login_that_may_not_is_told_which_one_may(shared: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    seed = ["seed", "--user-id", str(uuid4()), "--email", "a@example.org", "--name", "Ada"]
    assert main(seed, {"DATABASE_URL": shared.worker_url}) == 1
    assert capsys.readouterr().err.endswith("Set DATABASE_ADMIN_URL to a login that may.\n")
    assert main(["upgrade"], {"DATABASE_URL": shared.worker_url}) == 1
    assert "use a superuser, or a login with CREATEROLE" in capsys.readouterr().err
