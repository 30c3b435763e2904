"""Where the specifications and the schema differ, and why."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .markdown import paragraphs, table

_DATA: Final = Path(__file__).with_name("differences.toml")


@dataclass(frozen=True)
class Difference:
    """What a document says, what is there instead, and why; `holds` asks the database whether it is so."""

    document: str
    says: str
    built: str
    why: str
    holds: str | None = None


def read() -> list[Difference]:
    """Return the differences, document by document."""
    return [Difference(**entry) for entry in tomllib.loads(_DATA.read_text(encoding="utf-8"))["difference"]]


def written() -> str:
    """Write a table for each document."""
    found = read()
    documents = dict.fromkeys(difference.document for difference in found)
    return paragraphs(*(_written(document, found) for document in documents))


def _written(document: str, found: list[Difference]) -> str:
    told = (_cells(difference) for difference in found if difference.document == document)
    return f"### {document}\n\n{table(['it says', 'what is built', 'why'], told)}"


def _cells(difference: Difference) -> list[str]:
    return [text.replace("|", r"\|") for text in (difference.says, difference.built, difference.why)]
