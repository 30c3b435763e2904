"""docs/schema.md, put together."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from string import Template
from typing import Final

from tests import databases
from tests.databases import TestDatabase
from tests.migrations import catalog
from tests.migrations.catalog import Row

from . import differences, reports, retention, samples, tables
from .contexts import CONTEXTS, Context, misplaced
from .diagrams import diagram
from .fleet import EXPECTED, FLEET
from .markdown import anchor, link, paragraphs, table
from .retention import Retention
from .sections import section
from .tables import Table

_TEMPLATE: Final = Path(__file__).parents[1] / "templates" / "schema.md"


class Untold(Exception):
    """There are tables that the page could not explain; the message says where to enter them."""


@cache
def documents() -> dict[str, str]:
    """Migrate an empty database and make the page of it."""
    with databases.migrated() as database:
        return {"schema.md": page(database)}


def page(database: TestDatabase) -> str:
    """Make the page of a migrated database; whichever server and month it is, the page is the same."""
    found, policies = catalog.read(database.admin_url), retention.read(database)
    every = tables.read(found)
    stored = {name: subject for name, subject in every.items() if subject.relation["kind"] in "rp"}
    unclear = [*misplaced(stored), *_unplanned(stored)]
    if unclear:
        raise Untold("\n".join(unclear))
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        fleet=FLEET,
        counts=_counts(stored, found),
        schemas=_schemas(found["schema"]),
        overview=_overview(stored, policies),
        contexts=paragraphs(*(_context(context, stored, policies) for context in CONTEXTS)),
        views=reports.views(every.values()),
        functions=reports.functions(found["function"]),
        samples=samples.written(),
        differences=differences.written(),
    )


def _unplanned(stored: Mapping[str, Table]) -> Iterator[str]:
    for name in sorted(set(stored) ^ set(EXPECTED)):
        estimated = "estimates it, yet it is not there" if name in EXPECTED else "has no estimate of it"
        yield f"{name}: docs/database/fleet.py {estimated}"


def _counts(stored: Mapping[str, Table], found: Mapping[str, Sequence[Row]]) -> str:
    columns = sum(len(subject.columns) for subject in stored.values())
    indexes = sum(len(subject.indexes) for subject in stored.values())
    isolated = sum(subject.relation["row_security"] for subject in stored.values())
    partitioned = sum(subject.relation["kind"] == "p" for subject in stored.values())
    return (
        f"{len(stored)} tables with {columns} columns, {partitioned} of them partitioned and {isolated} under row "
        f"level security; {indexes} indexes; {sum(row['kind'] in 'vm' for row in found['relation'])} views; "
        f"{len(found['function'])} functions"
    )


def _schemas(rows: Sequence[Row]) -> str:
    told = ([f"`{row['name']}`", _PUBLIC if row["name"] == "public" else row["comment"]] for row in rows)
    return table(["schema", "what is in it"], told)


# PostgreSQL's own comment on it says nothing, and is not ours to change.
_PUBLIC: Final = "Identity, dedicated instances, shared services, messages, and what people look at"


def _overview(stored: Mapping[str, Table], policies: Mapping[str, Retention]) -> str:
    told = (
        [link(name), stored[name].purpose, _expected(name, policies), f"[{context.title}](#{anchor(context.title)})"]
        for context in CONTEXTS
        for name in context.tables
    )
    return table(["table", "purpose", "rows", "context"], told)


def _expected(name: str, policies: Mapping[str, Retention]) -> str:
    return EXPECTED[name].expected(policies[name].days if name in policies else None)


def _context(context: Context, stored: Mapping[str, Table], policies: Mapping[str, Retention]) -> str:
    return paragraphs(
        f"## {context.title}",
        context.sentence,
        diagram(context, stored),
        *(section(stored[name], stored, policies.get(name)) for name in context.tables),
    )
