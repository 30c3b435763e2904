"""docs/messages.md: the contract on the wire."""

import json
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from pathlib import Path
from string import Template
from typing import Any, Final

from producers import CONTRACTS, Message, Queue
from producers.envelope import MAX_BYTES, NAMESPACE, seal
from producers.schemas import payload_schema
from producers.text import MAX_DEPTH
from workers import applier, fate

from .examples import EXAMPLES
from .fields import HEAD, rows
from .outcomes import OUTCOMES

_TEMPLATE: Final = Path(__file__).parent / "templates" / "messages.md"


def documents() -> dict[str, str]:
    """Make the page."""
    page = Template(_TEMPLATE.read_text(encoding="utf-8"))
    return {"messages.md": page.substitute(_figures(), overview=_overview(), contracts=_contracts())}


def _figures() -> Mapping[str, object]:
    return {
        "namespace": NAMESPACE,
        "max_bytes": f"{MAX_BYTES:,}",
        "max_depth": MAX_DEPTH,
        "past": applier.HORIZON.days,
        "future": int(fate.FUTURE.total_seconds() // 60),
        "max_deliveries": applier.MAX_DELIVERIES,
        "max_attempts": len(applier.BACK_OFF) + 1,
    }


def _overview() -> str:
    lines = ["| queue | message | wire name | what it says |", "|---|---|---|---|"]
    for name, contract in CONTRACTS.items():
        title = contract.__name__
        lines.append(f"| {contract.queue} | [{title}](#{title.lower()}) | `{name}` | {_sentences(contract)[0]} |")
    return "\n".join(lines)


def _contracts() -> str:
    return "\n\n".join(paragraph for queue in Queue for paragraph in _queue(queue))


def _queue(queue: Queue) -> Iterator[str]:
    contracts = [contract for contract in CONTRACTS.values() if contract.queue is queue]
    if contracts:
        yield f"## Queue `{queue}`"
    for contract in contracts:
        yield from _contract(contract)


def _contract(contract: type[Message]) -> Iterator[str]:
    schema = payload_schema(contract)
    yield f"### {contract.__name__}"
    yield f"`{contract.wire_name}` · [schema](schemas/{contract.wire_name}.json)"
    yield from _sentences(contract)
    yield _table(schema, schema)
    for name, part in schema.get("$defs", {}).items():
        if "properties" in part:
            yield f"**{name}** — {part['description']}"
            yield _table(part, schema)
    yield _outcomes(contract)
    yield f"```json\n{_example(contract)}\n```"


def _table(part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    return "\n".join([HEAD, *rows(part, schema.get("$defs", {}))])


def _outcomes(contract: type[Message]) -> str:
    lines = ["| when | then |", "|---|---|", *(f"| {when} | {then} |" for when, then in OUTCOMES[contract])]
    return "\n".join(lines)


def _example(contract: type[Message]) -> str:
    return json.dumps(json.loads(seal(EXAMPLES[contract])), indent=2, ensure_ascii=False)


def _sentences(contract: type[Message]) -> list[str]:
    return [paragraph.replace("\n", " ") for paragraph in cleandoc(contract.__doc__ or "").split("\n\n")]
