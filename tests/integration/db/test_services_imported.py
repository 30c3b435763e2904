"""The registry is filled from files as they really are."""

import json
from pathlib import Path
from typing import Final, cast

import pytest

from db import importing
from db.__main__ import main
from db.engine import Database
from tests.databases import TestDatabase

OLDER: Final = {
    "id": "8a7f",
    "name": "io.github.example/Weather",
    "description": "Weather of today",
    "repository": {"url": "https://git.example/weather", "source": "github"},
    "version_detail": {"version": "0.9.0", "release_date": "2025-05-16", "is_latest": True},
    "packages": [
        {
            "registry_name": "npm",
            "name": "@example/weather",
            "version": "0.9.0",
            "environment_variables": [{"name": "WEATHER_KEY", "is_secret": True}],
        },
        {"registry_name": "docker", "name": "example/weather", "version": "0.9.0"},
    ],
    "remotes": [{"transport_type": "sse", "url": "https://weather.example/sse"}],
}
NEWER: Final = {
    "$schema": "https://schemas.example/server.schema.json",
    "name": "com.example/maps",
    "title": "Maps of Everywhere",
    "version": "1.10.0",
    "packages": [{"registryType": "pypi", "identifier": "maps", "version": "1.10.0", "transport": {"type": "stdio"}}],
    "remotes": [
        {"type": "streamable-http", "url": "https://{region}.maps.example/mcp"},
        {"type": "streamable-http", "url": "https://maps.example/mcp"},
    ],
}
OWN: Final = {"serviceType": "notion", "displayName": "Notion", "port": "49400", "category": "notes", "auth": "none"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def _import(database: Database, folder: Path, text: str, **options: bool) -> dict[str, object]:
    (folder / "services.json").write_text(text, encoding="utf-8")
    return importing.import_services(database, folder / "services.json", **options).facts()


def _told(facts: dict[str, object], what: str) -> list[dict[str, str]]:
    return cast("list[dict[str, str]]", facts[what])


def _rows(database: TestDatabase, *types: str) -> list[tuple[object, ...]]:
    return database.ask(
        "SELECT service_type, display_name, base_url, auth_type FROM service_registry WHERE service_type = ANY (%s)"
        " ORDER BY 1",
        list(types),
    )


def test_both_generations_of_the_official_registry_are_read(
    test_database: TestDatabase, database: Database, folder: Path
) -> None:
    listed = {"metadata": {"count": 2}, "servers": [OLDER, {"server": NEWER, "_meta": {"x": {"status": "active"}}}]}
    facts = _import(database, folder, json.dumps(listed, indent=2))
    assert (facts["new"], facts["skipped"]) == (2, [])
    assert _rows(test_database, "io.github.example.weather", "com.example.maps") == [
        ("com.example.maps", "Maps of Everywhere", "https://maps.example/mcp", "none"),
        ("io.github.example.weather", "Weather", "https://weather.example/sse", "api_key"),
    ]
    config = test_database.value(
        "SELECT service_config FROM service_registry WHERE service_type = 'io.github.example.weather'"
    )
    assert isinstance(config, dict)
    assert [package["identifier"] for package in config["packages"]] == ["@example/weather", "example/weather"]
    assert config["packages"][0]["registry"] == "npm"
    lost, note = _told(facts, "notes")
    assert "environment_variables is not kept" in lost["note"]
    assert "{region}" in note["note"]


def test_services_without_a_port_get_one_each_and_keep_it(
    test_database: TestDatabase, database: Database, folder: Path
) -> None:
    many = [NEWER | {"name": f"com.example/{number}"} for number in range(400)]
    assert _import(database, folder, json.dumps(many))["new"] == 400
    ports = test_database.ask("SELECT service_type, port FROM service_registry WHERE category = 'registry' ORDER BY 1")
    assert sorted(int(str(port)) for _, port in ports) == list(range(40000, 40400))
    again = _import(database, folder, json.dumps(many[::-1]))
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, 400)
    after = test_database.ask("SELECT service_type, port FROM service_registry WHERE category = 'registry' ORDER BY 1")
    assert after == ports
    assert test_database.value("SELECT count(*) FROM service_health_status") == 405


def test_a_bad_entry_is_reported_by_its_line_and_the_rest_is_imported(database: Database, folder: Path) -> None:
    text = "\n".join(
        [
            "[",
            json.dumps(OWN) + ",",
            '{"serviceType": "broken", "port": },',
            '{"port": 49500},',
            '{"serviceType": "low", "port": 80},',
            '{"serviceType": "stolen", "port": 49160},',
            '{"serviceType": "odd", "auth_type": "handshake"},',
            "17,",
            json.dumps(OLDER),
            "]",
        ]
    )
    facts = _import(database, folder, text)
    assert facts["new"] == 2
    reasons = {each["source"].rpartition(":")[2]: each["reason"] for each in _told(facts, "skipped")}
    assert reasons["3"].startswith("not JSON")
    assert reasons["4"] == "has no name"
    assert "between 1024 and 65535" in reasons["5"]
    assert reasons["6"] == "stolen: port 49160 belongs to another service"
    assert reasons["7"] == "odd: refused by check_auth_type"
    assert reasons["8"] == "not an object"
    assert len(reasons) == 6


def test_a_list_with_something_broken_in_it_is_still_read(database: Database, folder: Path) -> None:
    broken = '{"name": "a [broken] {entry\n}'
    text = f'{{"servers": [\n{json.dumps(OLDER)},\n{broken},\n{json.dumps(NEWER)}\n], "count": 3}}'
    facts = _import(database, folder, text)
    assert facts["new"] == 2
    (skipped,) = _told(facts, "skipped")
    assert skipped["source"] == "services.json:3"


def test_of_several_versions_the_newest_is_kept(test_database: TestDatabase, database: Database, folder: Path) -> None:
    older = NEWER | {"version": "1.9.0", "title": "Maps of Somewhere"}
    for entries in ([older, NEWER], [NEWER, older]):
        facts = _import(database, folder, "\n".join(json.dumps(each) for each in entries))
        assert len(_told(facts, "skipped")) == 1
        assert _rows(test_database, "com.example.maps")[0][1] == "Maps of Everywhere"


def test_names_that_are_too_long_are_told_apart_by_a_hash(
    test_database: TestDatabase, database: Database, folder: Path
) -> None:
    names = [f"io.github.example/{'very-' * 20}long-{number}" for number in range(3)]
    _import(database, folder, json.dumps([OLDER | {"name": name} for name in names]))
    found = test_database.ask("SELECT length(service_type) FROM service_registry WHERE service_type LIKE '%very-%'")
    assert found == [(50,)] * 3


def test_a_folder_is_read_with_the_folders_in_it(test_database: TestDatabase, database: Database, folder: Path) -> None:
    (folder / "linear").mkdir()
    (folder / "linear" / "config.json").write_text('{"port": 49600, "auth": {"type": "oauth2"}}', encoding="utf-8")
    (folder / "other.jsonl").write_bytes(b"\xff\xfe")
    report = importing.import_services(database, folder)
    assert [each.source for each in report.skipped] == ["other.jsonl:1"]
    assert _rows(test_database, "linear") == [("linear", "Linear", None, "oauth2")]


def test_a_rehearsal_changes_nothing(test_database: TestDatabase, database: Database, folder: Path) -> None:
    assert _import(database, folder, json.dumps(OWN), is_rehearsal=True)["new"] == 1
    assert _rows(test_database, "notion") == []


def test_what_is_withdrawn_is_not_available(test_database: TestDatabase, database: Database, folder: Path) -> None:
    _import(database, folder, json.dumps(NEWER | {"status": "deprecated"}))
    assert not test_database.value("SELECT is_available FROM service_registry WHERE service_type = 'com.example.maps'")


def test_the_command_reports_for_people_and_for_programs(
    test_database: TestDatabase, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "services.json"
    file.write_text(json.dumps([OWN, 17]), encoding="utf-8")
    environment = {"DATABASE_URL": test_database.worker_url}
    assert main(["import-services", str(file)], environment) == 0
    assert capsys.readouterr().out.splitlines() == [
        "skipped  services.json:1: not an object",
        "1 services are registered (1 new, 0 changed, 0 unchanged); 1 entries are skipped.",
    ]
    assert main(["import-services", str(file), "--dry-run", "--json"], environment) == 0
    assert json.loads(capsys.readouterr().out)["unchanged"] == 1
    assert main(["import-services", str(folder / "nothing.json")], environment) == 1
    assert "There is no" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "nested too deeply"),
        (f'{{"name": "a", "port": {"9" * 5000}}}', "not JSON"),
        (f'{{"name": "a", "port": "{"9" * 5000}"}}', "between 1024 and 65535"),
        (json.dumps({"name": "\ud800"}), "of which nothing can be made"),
        (json.dumps(OLDER | {"name": ["io"]}), "has no name"),
    ],
)
def test_what_cannot_be_read_is_said(database: Database, folder: Path, text: str, reason: str) -> None:
    (skipped,) = _told(_import(database, folder, text), "skipped")
    assert reason in skipped["reason"]


def test_text_that_no_column_can_hold_is_cleaned(test_database: TestDatabase, database: Database, folder: Path) -> None:
    odd = OLDER | {"description": "a\x00b\udfff", "title": "t" * 500, "version_detail": {"version": "9" * 5000}}
    assert _import(database, folder, json.dumps(odd))["new"] == 1
    assert len(str(_rows(test_database, "io.github.example.weather")[0][1])) == 100
