"""What every contract keeps to, and what nobody may change in one."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from docs import generate, json_schemas
from docs.compatibility import NotAdditive, breaks
from docs.examples import EXAMPLES
from docs.outcomes import OUTCOMES
from producers import CONTRACTS, Message, Queue, Tick
from producers.envelope import seal
from workers.actors import ACTORS

EVERY_CONTRACT = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 50},
        "count": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None},
        "probe": {"$ref": "#/$defs/Probe", "default": "mcp"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "maxItems": 10},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {
        "Probe": {"enum": ["http", "mcp"], "type": "string"},
        "Line": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    },
}


def changed(path: str, value: object) -> dict[str, Any]:
    """Give the schema with something else at a path of keys, or without it."""
    schema: dict[str, Any] = json.loads(json.dumps(SCHEMA))
    *folders, last = (int(step) if step.isdigit() else step for step in path.split("/"))
    place: Any = schema
    for folder in folders:
        place = place[folder]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return schema


def test_generated_documents_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


@EVERY_CONTRACT
def test_a_wire_name_says_family_what_and_version(contract: type[Message]) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)*\.v[1-9][0-9]*", contract.wire_name)


@EVERY_CONTRACT
def test_a_wire_name_begins_with_its_queue(contract: type[Message]) -> None:
    assert contract.queue in Queue
    assert contract.wire_name.partition(".")[0] == contract.queue.value


@EVERY_CONTRACT
def test_a_command_is_an_imperative_a_fact_is_past_and_a_tick_is_due(contract: type[Message]) -> None:
    name = contract.__name__
    words = re.findall(r"[A-Z][a-z]+", name)
    if issubclass(contract, Tick):
        assert words[-1] == "Due"
    elif words[-1].endswith("ed"):
        assert words[0] not in IMPERATIVES, f"{name} asks and reports"
    else:
        assert words[0] in IMPERATIVES, f"{name} neither asks, reports nor is due; a new verb belongs into IMPERATIVES"


IMPERATIVES = {
    "Check",
    "Continue",
    "Create",
    "Delete",
    "Deprovision",
    "Erase",
    "Migrate",
    "Provision",
    "Register",
    "Renew",
    "Restore",
    "Revoke",
    "Store",
}


def test_no_two_contracts_share_a_name() -> None:
    assert set(Counter(contract.__name__ for contract in CONTRACTS.values()).values()) == {1}
    assert all(contract.wire_name == name for name, contract in CONTRACTS.items())


def test_every_contract_has_an_actor_an_example_and_its_outcomes() -> None:
    contracts = list(CONTRACTS.values())
    assert {actor.contract for actor in ACTORS} == set(contracts)
    assert list(EXAMPLES) == contracts
    assert set(OUTCOMES) == set(contracts)


@EVERY_CONTRACT
def test_every_field_says_what_it_means(contract: type[Message]) -> None:
    schema = json.loads(json_schemas.documents()[f"schemas/{contract.wire_name}.json"])
    parts = [schema, *(part for part in schema.get("$defs", {}).values() if "properties" in part)]
    assert [name for part in parts for name, field in part["properties"].items() if not field.get("description")] == []


@EVERY_CONTRACT
def test_what_the_client_sends_fits_the_published_schemas(contract: type[Message]) -> None:
    documents = json_schemas.documents()
    envelope = json.loads(seal(EXAMPLES[contract]))
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.validate(envelope, json.loads(documents[json_schemas.ENVELOPE]), format_checker=checker)
    schema = json.loads(documents[f"schemas/{contract.wire_name}.json"])
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(envelope["args"][0], schema, format_checker=checker)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("properties/added", {"type": "string"}),
        ("properties/name/maxLength", 60),
        ("properties/name/maxLength", None),
        ("properties/name/minLength", 0),
        ("properties/name/description", "What it is called."),
        ("properties/count/anyOf/0/type", "number"),
        ("properties/count/anyOf/0/minimum", 0),
        ("properties/lines/maxItems", 20),
        ("$defs/Probe/enum", ["http", "mcp", "tcp"]),
        ("$defs/Line/properties/level", {"type": "string"}),
        ("required", []),
        ("properties/name", {"anyOf": [SCHEMA["properties"]["name"], {"type": "null"}]}),
    ],
)
def test_what_takes_more_than_before_is_additive(path: str, value: object) -> None:
    assert breaks(SCHEMA, changed(path, value)) == []


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("properties/count", None, "the field count of the payload is gone"),
        ("required", ["name", "count"], "the field count of the payload is required now"),
        ("properties/name/maxLength", 40, "the maxLength of name fell to 40"),
        ("properties/name/minLength", 2, "the minLength of name rose to 2"),
        ("properties/name/pattern", "^[a-z]+$", "the pattern of name changed"),
        ("properties/name/type", "integer", "the type of name changed from string to integer"),
        ("properties/count/anyOf/0/minimum", 2, "the minimum of count rose to 2"),
        ("properties/count/anyOf/1", {"type": "string"}, "the type of count changed from null to string"),
        ("properties/count", {"type": "integer", "default": 1}, "the default of count changed"),
        ("properties/probe/default", "http", "the default of probe changed"),
        ("properties/lines/maxItems", 5, "the maxItems of lines fell to 5"),
        ("$defs/Probe/enum", ["mcp"], "probe no longer takes http"),
        ("$defs/Line/required", ["text", "level"], "the field level of an item of lines is required now"),
        ("$defs/Line/properties/text", None, "the field text of an item of lines is gone"),
    ],
)
def test_what_would_refuse_a_message_of_before_is_named(path: str, value: object, sentence: str) -> None:
    assert any(found.startswith(sentence) for found in breaks(SCHEMA, changed(path, value)))


def test_a_schema_that_takes_less_is_not_written(tmp_path: Path) -> None:
    made = dict(generate.generated())
    generate.write(made, tmp_path)
    name = "schemas/instances.delete.v1.json"
    schema = json.loads(made[name])
    schema["required"].append("reason")
    with pytest.raises(NotAdditive, match=r"instances\.delete\.v1 needs a new wire name: the field reason"):
        json_schemas.check_additive({**made, name: json.dumps(schema)}, tmp_path)
    json_schemas.check_additive(made, tmp_path)


def test_a_stale_document_is_shown_with_its_first_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate.main([], root=tmp_path) == 0
    page = tmp_path / "messages.md"
    page.write_text(page.read_text(encoding="utf-8").replace("# Messages", "# Letters"), encoding="utf-8")
    (tmp_path / "schemas" / "left.json").write_text("{}", encoding="utf-8")
    assert generate.main(["--check"], root=tmp_path) == 1
    told = capsys.readouterr().err
    assert "docs/messages.md is stale:" in told
    assert "-# Letters" in told
    assert "+# Messages" in told
    assert "docs/schemas/left.json is made from nothing any more" in told
    assert "make docs" in told
    assert generate.main([], root=tmp_path) == 0
    assert generate.main(["--check"], root=tmp_path) == 0
