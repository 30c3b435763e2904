"""Whatever real files hold is registered as far as it can be, and the rest is told by file and line."""

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast

import pytest

from db import importing
from db.__main__ import main
from db.engine import Database
from tests.databases import TestDatabase

from .catalogue import documents

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


@pytest.mark.parametrize("shape", ["list", "wrapped", "lines", "indented", "folder"])
def test_hundreds_of_services_are_registered_in_every_shape(
    test_database: TestDatabase, database: Database, tmp_path: Path, shape: str
) -> None:
    found = documents(400)
    path = tmp_path / "all.json"
    if shape == "folder":
        path = tmp_path / "all"
        for number, each in enumerate(found):
            (path / str(number % 20)).mkdir(parents=True, exist_ok=True)
            (path / str(number % 20) / f"{number}.json").write_text(json.dumps(each), encoding="utf-8")
    elif shape == "lines":
        path.write_text("\n".join(json.dumps(each) for each in found), encoding="utf-8")
    else:
        whole = {"servers": found, "metadata": {"count": 400}} if shape == "wrapped" else found
        path.write_text(json.dumps(whole, indent=2 if shape == "indented" else None), encoding="utf-8")
    before = test_database.value("SELECT count(*) FROM service_registry")
    facts = importing.import_services(database, path).facts()
    assert (facts["new"], facts["changed"], facts["skipped"]) == (400, 0, [])
    assert test_database.value("SELECT count(*) - %s FROM service_registry", before) == 400
    assert test_database.value("SELECT count(DISTINCT port) = count(*) FROM service_registry")
    again = importing.import_services(database, path).facts()
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, 400)


def test_every_broken_one_of_hundreds_is_told_by_its_line(database: Database, tmp_path: Path) -> None:
    lines = [json.dumps(each) for each in documents(400)]
    spoilt = {17: '{"name": "x"', 50: "garbage", 51: lines[50][:-9], 200: '{"port": 80, "name": "low"}', 399: "[1]"}
    for line, text in spoilt.items():
        lines[line - 1] = text
    (tmp_path / "all.jsonl").write_text("\n".join(lines), encoding="utf-8")
    facts = importing.import_services(database, tmp_path / "all.jsonl").facts()
    skipped = cast("list[dict[str, str]]", facts["skipped"])
    assert [each["source"] for each in skipped] == [f"all.jsonl:{line}" for line in spoilt]
    assert facts["new"] == 395


def test_the_newest_version_wins_as_versions_are_compared(
    test_database: TestDatabase, database: Database, tmp_path: Path
) -> None:
    in_order = ["latest", "0.0.1-seed", "v1.0", "1.9.9", "1.10.0-alpha", "1.10.0-beta.2", "1.10.0-beta.10", "1.10"]
    for older, newer in pairwise(in_order):
        for pair in ((older, newer), (newer, older)):
            facts = _import(database, tmp_path, *({**SERVER, "version": each, "title": each} for each in pair))
            assert _row(test_database, "com.example.maps", "display_name") == (newer,)
            assert "defined again" in facts["skipped"][0]["reason"]


def test_what_the_registry_calls_the_latest_wins(
    test_database: TestDatabase, database: Database, tmp_path: Path
) -> None:
    found = [
        {"server": {**SERVER, "version": version, "title": version}, "_meta": {"x/official": {"isLatest": is_latest}}}
        for version, is_latest in (("1.0.0", False), ("0.9.0", True), ("2025.1.1", False))
    ]
    _import(database, tmp_path, *found)
    assert _row(test_database, "com.example.maps", "display_name") == ("0.9.0",)


@pytest.mark.parametrize(
    "odd",
    [
        ("  https://a.example/mcp ", "https://a.example/mcp", ""),
        ("HTTPS://A.example/Mcp", "https://A.example/Mcp", ""),
        ("https://{host}/mcp", None, "is a template"),
        ("stdio://a", None, "is no http(s) URL"),
        ("a.example/mcp", None, "is no http(s) URL"),
        ("https://a.example/a b", None, "is no http(s) URL"),
        ("https://a.example/a\nb", None, "is no http(s) URL"),
        ("https://a.example:99999/", None, "has no usable host and port"),
        ("https://[::1/", None, "has no usable host and port"),
        ("https://:80/", None, "has no usable host and port"),
        ("https://a.example/" + "x" * 300, None, "is longer than 255 characters"),
        ("https://ada:hunter2@a.example/mcp", None, "has a user or a password in it"),
        ("https://exämple.example/ü", "https://exämple.example/ü", ""),
    ],
)
def test_odd_urls_are_told_and_not_used(
    test_database: TestDatabase, database: Database, tmp_path: Path, odd: tuple[str, str | None, str]
) -> None:
    url, kept, note = odd
    facts = _import(database, tmp_path, {**SERVER, "remotes": [{"type": "sse", "url": url}]})
    base_url, config = _row(test_database, "com.example.maps", "base_url, service_config::text")
    assert base_url == kept
    assert note in _notes(facts)
    assert facts["notes"] == [] or note
    assert "hunter2" not in f"{facts}{config}"


def test_text_that_is_too_long_is_cut_and_told(test_database: TestDatabase, database: Database, tmp_path: Path) -> None:
    facts = _import(database, tmp_path, {**SERVER, "title": "t" * 300, "description": "d" * 1_000_000})
    assert _row(test_database, "com.example.maps", "length(display_name), length(description)") == (100, 10_000)
    assert "title of 300 characters" in _notes(facts)
    assert "description of 1000000 characters" in _notes(facts)


def test_wrong_types_are_told_and_the_rest_is_kept(
    test_database: TestDatabase, database: Database, tmp_path: Path
) -> None:
    wrong = {**SERVER, "description": ["a"], "title": 7, "packages": {"npm": "x"}, "remotes": ["x", None, {"url": 1}]}
    facts = _import(database, tmp_path, wrong, {"name": ["a"], "port": 1}, {"name": "p", "port": 5000.5}, None, "x")
    assert _row(test_database, "com.example.maps", "display_name, description") == ("Maps", None)
    assert _notes(facts) == " | ".join(
        f"com.example/maps: {what}"
        for what in (
            "its description is no text",
            "its title is no text",
            "its packages is no list",
            "2 of its remotes are no objects",
        )
    )
    reasons = [each["reason"] for each in facts["skipped"]]
    assert reasons[0] == "has no name"
    assert reasons[1].startswith("has the port 5000.5")
    assert reasons[2:] == ["not an object", "not an object"]


@pytest.mark.parametrize(
    ("package", "registry"),
    [
        ({"registryType": "npm", "identifier": "x"}, "npm"),
        ({"registry_type": "oci", "identifier": "x"}, "oci"),
        ({"registry_name": "pypi", "name": "x"}, "pypi"),
        ({"registry_name": "x-mcp", "name": "x", "registry": "docker"}, "docker"),
        ({"registry_name": "unknown", "name": "x"}, "unknown"),
    ],
)
def test_a_package_says_where_it_comes_from_in_many_ways(
    test_database: TestDatabase, database: Database, tmp_path: Path, package: dict[str, str], registry: str
) -> None:
    _import(database, tmp_path, {**SERVER, "packages": [package, package]})
    (config,) = _row(test_database, "com.example.maps", "service_config")
    assert isinstance(config, dict)
    expected = {"registry": registry, "identifier": "x", "version": "", "transport": "stdio"}
    assert config["packages"] == [expected, expected]


@pytest.mark.parametrize(
    ("variable", "auth"),
    [
        ({"name": "X", "isSecret": True}, "api_key"),
        ({"name": "X", "is_secret": True}, "api_key"),
        ({"name": "API_KEY", "isSecret": False}, "none"),
        ({"name": "SOME_API_KEY", "description": "<key>"}, "api_key"),
        ({"name": "ADA_PASSWORD"}, "api_key"),
        ({"name": "HOST"}, "none"),
    ],
)
def test_a_service_needs_a_key_when_a_variable_is_secret_or_called_so(
    test_database: TestDatabase, database: Database, tmp_path: Path, variable: dict[str, object], auth: str
) -> None:
    _import(database, tmp_path, {**SERVER, "packages": [{"registryType": "npm", "environmentVariables": [variable]}]})
    assert _row(test_database, "com.example.maps", "auth_type") == (auth,)


def test_services_by_name_and_with_a_server_of_their_own_are_read(
    test_database: TestDatabase, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "client.json").write_text(
        json.dumps({"mcpServers": {"local-files": {"command": "npx"}, "remote": {"url": "https://r.example/mcp"}}})
    )
    lead = {"name": "leads", "server": {"url": "https://leads.example"}, "authentication": {"type": "apiKey"}}
    (tmp_path / "leads.json").write_text(json.dumps(lead))
    assert importing.import_services(database, tmp_path).facts()["new"] == 3
    assert _row(test_database, "local-files", "display_name, base_url") == ("Local Files", None)
    assert _row(test_database, "remote", "base_url") == ("https://r.example/mcp",)
    assert _row(test_database, "leads", "base_url, auth_type") == ("https://leads.example", "api_key")


def test_a_port_that_is_asked_for_is_not_given_to_another(
    test_database: TestDatabase, database: Database, tmp_path: Path
) -> None:
    facts = _import(database, tmp_path, SERVER, {"service_type": "mine", "port": 40000}, {"name": "b", "auth": "none"})
    assert facts["new"] == 3
    assert _row(test_database, "mine", "port") == (40000,)
    assert _row(test_database, "b", "auth_type") == ("none",)


def test_ports_that_ran_out_are_told(
    test_database: TestDatabase, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.repositories.services._PORTS", {"first_port": 40000, "last_port": 40001})
    facts = _import(database, tmp_path, *({**SERVER, "name": f"com.example/{n}"} for n in range(3)))
    assert facts["new"] == 2
    assert "no port is free" in facts["skipped"][0]["reason"]
    assert test_database.value("SELECT max(port) FROM service_registry WHERE port < 49000") == 40001


def test_a_folder_is_walked_once_whatever_is_in_it(
    test_database: TestDatabase, database: Database, tmp_path: Path
) -> None:
    def put(name: str, text: str | bytes) -> None:
        file = tmp_path / "services" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)

    put("deep/er/one/config.json", '{"port": 49700}')
    put("two.JSON", '\ufeff{"name": "two", "port": 49701}')
    put("package.json", '{"name": "a-program", "version": "1.0.0", "dependencies": {}}')
    put("node_modules/x/server.json", json.dumps(SERVER))
    put(".git/x.json", json.dumps(SERVER))
    put("utf16.json", '{"name": "three"}'.encode("utf-16"))
    put("latin1.jsonl", '{"name": "four", "port": 49702}\n{"name": "café"}\n'.encode("latin-1"))
    put("script.json", "const express = require('express');\napp.listen(3000);\n")
    put("shop.json", '{"foods": [{"id": 1, "name": "Ao molho"}]}')
    put("README.md", "# no service")
    put("empty.json", "")
    services = tmp_path / "services"
    (services / "deep" / "loop").symlink_to(services)
    (services / "self.json").symlink_to("self.json")
    (services / "gone.json").symlink_to("nowhere.json")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "five.json").write_text('{"name": "five", "port": 49703}')
    (services / "linked").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(services / "pipe.json")
    facts = importing.import_services(database, services).facts()
    skipped = {each["source"]: each["reason"] for each in cast("list[dict[str, str]]", facts["skipped"])}
    assert facts["new"] == 4
    assert _row(test_database, "five", "port") == (49703,)
    assert sorted(skipped) == [
        "gone.json",
        "latin1.jsonl:2",
        "package.json:1",
        "pipe.json",
        "script.json:1",
        "self.json",
        "shop.json:1",
        "utf16.json:1",
    ]
    assert skipped["latin1.jsonl:2"] == "not UTF-8: save the file in that encoding"
    assert skipped["shop.json:1"] == "has no name"
    assert skipped["gone.json"] == "cannot be read: No such file or directory"


def test_a_folder_without_any_service_is_a_failure(
    test_database: TestDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"DATABASE_URL": test_database.worker_url}
    assert main(["import-services", str(tmp_path)], environment) == 1
    captured = capsys.readouterr()
    assert captured.err == f"No service of {tmp_path} could be registered.\n"
    assert captured.out.startswith("0 services are registered")
