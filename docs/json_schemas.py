"""docs/schemas: the JSON Schema of each payload and of the envelope."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from producers import CONTRACTS
from producers.schemas import envelope_schema, payload_schema

from .compatibility import NotAdditive, breaks

ENVELOPE = "schemas/envelope.json"


def documents() -> dict[str, str]:
    """Make one schema for each contract, and the one of the envelope."""
    payloads = {_path(name): _text(payload_schema(contract)) for name, contract in CONTRACTS.items()}
    return {ENVELOPE: _text(envelope_schema(CONTRACTS)), **payloads}


def check_additive(made: Mapping[str, str], root: Path) -> None:
    """Raise ``NotAdditive`` when a schema that is there already would take less than before."""
    for name in CONTRACTS:
        path = root / _path(name)
        if path.exists():
            found = breaks(json.loads(path.read_text(encoding="utf-8")), json.loads(made[_path(name)]))
            if found:
                raise NotAdditive(
                    f"{name} needs a new wire name: {'; '.join(found)}. Leave it as it was and add a contract with the"
                    f" next version. Only if it was never released: remove docs/{_path(name)} first."
                )


def _path(wire_name: str) -> str:
    return f"schemas/{wire_name}.json"


def _text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
