"""An import takes over nobody's service, keeps no secrets and says what it loses, in text that can be printed."""

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest

from db import importing
from db.__main__ import main
from db.engine import Database
from tests.databases import TestDatabase

SERVER: Final = {
    "$schema": "https://schemas.example/server.schema.json",
    "name": "com.example/maps",
    "version": "1.0.0",
}


def _import(database: Database, folder: Path, *found: object) -> dict[str, Any]:
    (folder / "services.json").write_text(json.dumps(found), encoding="utf-8")
    return importing.import_services(database, folder / "services.json").facts()


def _row(database: TestDatabase, service_type: str, columns: str) -> tuple[object, ...]:
    (row,) = database.ask(f"SELECT {columns} FROM service_registry WHERE service_type = %s", service_type)  # noqa: S608  our own names
    return row


def _notes(facts: dict[str, Any]) -> str:
    return " | ".join(each["note"] for each in facts["notes"])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://a.example/mcp?api_key=hunter2", "https://a.example/mcp?api_key="),
        (
            "https://a.example/mcp?region=eu&access-token=hunter2&x=1",
            "https://a.example/mcp?region=eu&access-token=&x=1",
        ),
        ("https://a.example/mcp?api%5Fkey=hunter2", "https://a.example/mcp?api%5Fkey="),
        ("https://a.example/mcp?key=hunter2#token=hunter2", "https://a.example/mcp?key=#token="),
        ("https://a.example/mcp?region=eu", "https://a.example/mcp?region=eu"),
    ],
)
def test_secrets_in_the_parameters_of_a_url_are_told_and_not_kept(
    test_database: TestDatabase, database: Database, tmp_path: Path, given: str, kept: str
) -> None:
    own = {"name": "own", "url": given, "healthCheckEndpoint": given.removeprefix("https://a.example")}
    official = {**SERVER, "remotes": [{"type": "sse", "url": given}], "repository": {"url": given}}
    facts = _import(database, tmp_path, own, official)
    assert _row(test_database, "own", "base_url") == (kept,)
    base_url, config = _row(test_database, "com.example.maps", "base_url, service_config")
    assert base_url == kept
    assert isinstance(config, dict)
    assert (config["remotes"][0]["url"], config["repository"]) == (kept, kept)
    stored = test_database.ask("SELECT r::text FROM service_registry r")
    assert "hunter2" not in f"{facts}{stored}"
    assert _notes(facts).count("has a secret in its parameters, which is not kept") == (0 if kept == given else 3)


def test_a_template_in_a_parameter_is_no_secret(
    test_database: TestDatabase, database: Database, tmp_path: Path
) -> None:
    url = "https://a.example/mcp?api_key={key}"
    _import(database, tmp_path, {**SERVER, "remotes": [{"type": "sse", "url": url}]})
    (config,) = _row(test_database, "com.example.maps", "service_config")
    assert isinstance(config, dict)
    assert config["remotes"][0]["url"] == url


def test_what_a_package_or_a_remote_wants_to_be_given_is_told_to_be_lost(database: Database, tmp_path: Path) -> None:
    package = {"registryType": "npm", "environmentVariables": [{"name": "HOST"}], "packageArguments": []}
    remote = {"type": "sse", "url": "https://a.example/mcp", "headers": [{"name": "X-Region"}]}
    facts = _import(database, tmp_path, {**SERVER, "packages": [package], "remotes": [remote]})
    assert _notes(facts) == "com.example/maps: what it says of environmentVariables, headers is not kept"


def test_a_version_that_is_still_there_wins_over_a_newer_one_that_was_withdrawn(
    test_database: TestDatabase, database: Database, tmp_path: Path
) -> None:
    there = {**SERVER, "version": "1.0.0", "status": "active"}
    for status in ("deleted", "deprecated"):
        gone = {**SERVER, "version": "1.0.1", "status": status}
        for pair in ((there, gone), (gone, there)):
            facts = _import(database, tmp_path, *pair)
            row = _row(test_database, "com.example.maps", "is_available, service_config ->> 'version'")
            assert row == (True, "1.0.0")
            assert "is withdrawn here and still there at" in facts["skipped"][0]["reason"]


def test_a_later_import_does_not_take_over_a_service_of_another_name(
    test_database: TestDatabase, database: Database, tmp_path: Path
) -> None:
    first = {**SERVER, "remotes": [{"type": "sse", "url": "https://maps.example/mcp"}]}
    _import(database, tmp_path, first)
    facts = _import(database, tmp_path, {"name": "com.example.maps", "url": "https://evil.example", "port": 49900})
    assert [each["reason"] for each in facts["skipped"]] == [
        "com.example.maps would be called com.example.maps, as com.example/maps is"
    ]
    assert (facts["new"], facts["changed"], facts["unchanged"]) == (0, 0, 0)
    assert _row(test_database, "com.example.maps", "base_url") == ("https://maps.example/mcp",)
    again = _import(database, tmp_path, {**first, "name": "Com.Example/Maps", "title": "M"})
    assert (again["changed"], again["skipped"]) == (1, [])


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["people", "programs"])
def test_the_report_can_be_printed_whatever_names_and_files_are_called(
    test_database: TestDatabase, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], form: list[str]
) -> None:
    escape = "\x1b]0;owned\x07\u202e"
    own = {"name": f"weird-\ud800{escape}\nü", "title": "t" * 200, "displayName": "d" * 200}
    taken = {"name": f"taken\udfff{escape}", "port": 49160}
    file = os.fsencode(tmp_path) + b"/\xff\x1b.json"
    with open(file, "w", encoding="utf-8") as opened:  # noqa: PTH123  a name of bytes
        json.dump([own, taken, 17], opened)
    assert main(["import-services", str(tmp_path), *form], {"DATABASE_URL": test_database.worker_url}) == 0
    printed = capfdbinary.readouterr().out.decode()
    report = json.dumps(json.loads(printed), ensure_ascii=False) if form else printed
    assert "\\x1b" in report
    assert "\\ud800" in report
    assert "\\udcff" in report
    assert "ü" in report
    values = (
        [each for kind in ("skipped", "notes") for row in json.loads(printed)[kind] for each in row.values()]
        if form
        else printed.splitlines()
    )
    assert all(each.isprintable() for each in values)
