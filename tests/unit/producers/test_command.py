"""`python -m producers` without a Redis; the integration tests send."""

import json
from uuid import uuid4

import pytest

from producers import CONTRACTS
from producers.__main__ import main

DELETION = json.dumps({"instance_id": str(uuid4())})


@pytest.fixture(autouse=True)
def _no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("REDIS_URL_FILE", raising=False)


def test_contracts_lists_every_message_with_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contracts"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(CONTRACTS)
    assert all(line.endswith(".") for line in lines)


@pytest.mark.parametrize("name", CONTRACTS)
def test_schema_prints_the_published_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out)["$id"] == f"urn:minimcp:{name}"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["schema", "instances.rename.v1"], "no message is called instances.rename.v1"),
        (["send", "instances.rename.v1", "--json", "{}", "--url", "redis://h"], "no message is called"),
        (["send", "instances.delete.v1", "--json", DELETION], "give --url, or set REDIS_URL"),
        (["send", "instances.delete.v1", "--json", "{", "--url", "redis://h"], "--json is not JSON"),
        (["send", "instances.delete.v1", "--json", "[" * 100_000, "--url", "redis://h"], "--json is not JSON"),
        (["send", "instances.delete.v1", "--json", "[]", "--url", "redis://h"], "must be an object"),
        (["send", "instances.delete.v1", "--json", "{}", "--url", "redis://h"], "instance_id: Field required"),
        (["send", "instances.delete.v1", "--json", '{"self": 1}', "--url", "redis://h"], "self: Extra inputs"),
        (
            ["send", "instances.delete.v1", "--json", DELETION, "--url", "http://h"],
            "REDIS_URL is not usable",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_and_exit_code_1(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert sentence in told
    assert len(told.splitlines()) == 1


def test_a_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REDIS_URL_FILE", "no/such/file")
    assert main(["send", "instances.delete.v1", "--json", DELETION]) == 1
    assert "the file of REDIS_URL_FILE cannot be read" in capsys.readouterr().err


def test_an_unknown_command_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["receive"])
    assert ended.value.code == 2
    assert "usage: python -m producers" in capsys.readouterr().err
