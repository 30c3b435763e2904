"""docs/schema.md says what is there, in a form that GitHub can draw and that leads somewhere."""

import re
from collections import Counter
from itertools import pairwise
from typing import Final

import psycopg
import pytest

from docs.database import differences, page, samples, tables
from docs.database.contexts import CONTEXTS, misplaced
from docs.database.markdown import anchor
from docs.database.samples import Sample
from docs.database.tables import Table
from tests.databases import TestDatabase
from tests.migrations import catalog

DOCS: Final = samples.ROOT / "docs"
LONGEST_DIAGRAM: Final = 50_000  # characters that Mermaid draws

# What a diagram may hold: a relationship, an entity that begins, an attribute, an entity that ends.
LINES: Final = (
    re.compile(r"    [a-z]\w* (?:\|o|\|\|)--(?:o\||o\{) [a-z]\w* : [a-z]\w*"),
    re.compile(r"    [a-z]\w* \{"),
    re.compile(r"        [a-z]\w* [a-z]\w*(?: (?:PK|FK|UK)(?:, (?:FK|UK))*)?"),
    re.compile(r"    \}"),
)


@pytest.fixture(scope="module")
def committed() -> str:
    return (DOCS / "schema.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def built(database_template: TestDatabase) -> dict[str, Table]:
    return tables.read(catalog.read(database_template.admin_url))


def _headings(text: str) -> list[str]:
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.findall(r"^#+ (.*)$", prose, re.MULTILINE)


def test_the_page_is_the_same_on_this_server(test_database: TestDatabase, committed: str) -> None:
    """`make check` compares it on the embedded one; this may be another version, in another month."""
    test_database.ask("SELECT maintenance.create_partition('public', 'mcp_logs', now() + interval '4 months')")
    assert page.page(test_database) == committed


def test_a_table_that_nobody_placed_is_named(test_database: TestDatabase) -> None:
    test_database.ask("CREATE TABLE stray (id int)")
    with pytest.raises(page.Untold, match=r"stray is in no context.*\nstray: .*fleet\.py"):
        page.page(test_database)


def test_every_way_to_misplace_a_table_is_told() -> None:
    placed = [name for context in CONTEXTS for name in context.tables]
    assert misplaced(placed) == []
    assert misplaced(placed[1:]) == [f"docs/database/contexts.py names {placed[0]}, which is not there"]
    assert misplaced([*placed, "stray"]) == ["stray is in no context of docs/database/contexts.py"]


def test_every_table_view_column_and_index_is_told(built: dict[str, Table], committed: str) -> None:
    parts = re.split(r"^##+ ", committed, flags=re.MULTILINE)
    sections = {found[1]: part for part in parts if (found := re.match(r"`([\w.]+)`\n", part))}
    assert set(sections) == set(built)
    untold = [
        row["name"]
        for name, table in built.items()
        for row in (*table.columns, *(index for index in table.indexes if table.relation["kind"] != "m"))
        if f"| `{row['bare_name']}` |" not in sections[name]
    ]
    assert untold == []


def test_diagrams_keep_to_what_mermaid_draws(committed: str) -> None:
    diagrams = re.findall(r"^```mermaid\nerDiagram\n(.*?)^```", committed, re.MULTILINE | re.DOTALL)
    assert len(diagrams) == len(CONTEXTS)
    for diagram in diagrams:
        assert len(diagram) < LONGEST_DIAGRAM
        strange = [line for line in diagram.splitlines() if not any(form.fullmatch(line) for form in LINES)]
        assert strange == []
        entities = re.findall(r"^    (\w+) \{", diagram, re.MULTILINE)
        assert len(entities) == len(set(entities))
        related = re.findall(r"^    (\w+) \S+ (\w+) :", diagram, re.MULTILINE)
        assert {name for pair in related for name in pair} <= set(entities)


def test_a_line_of_a_diagram_says_how_many() -> None:
    text = (DOCS / "schema.md").read_text(encoding="utf-8")
    assert "    users ||--o{ mcp_instances : user_id\n" in text
    assert "    mcp_instances |o--o| port_allocations : mcp_instance_id\n" in text
    assert "    service_registry |o--o| health_targets : service_type\n" in text
    assert "        uuid target_id PK, FK\n" in text
    assert "        varchar status UK\n" not in text


def test_every_link_leads_somewhere(committed: str) -> None:
    anchors = Counter(anchor(heading) for heading in _headings(committed))
    assert [name for name, times in anchors.items() if times > 1] == []
    targets = set(re.findall(r"\]\(([^)]*)\)", committed))
    assert [target for target in targets if target.startswith("#") and target[1:] not in anchors] == []
    files = [target for target in targets if not target.startswith("#")]
    assert files
    assert [target for target in files if not (DOCS / target).exists()] == []


def test_tables_have_as_many_cells_as_columns(committed: str) -> None:
    prose = re.sub(r"^```.*?^```", "", committed, flags=re.MULTILINE | re.DOTALL)
    counted = [(len(re.findall(r"(?<!\\)\|", line)), line) for line in prose.splitlines()]
    rows = [pair for pair in pairwise(counted) if all(line.startswith("| ") for _, line in pair)]
    assert [line for (before, _), (cells, line) in rows if cells != before] == []


def test_every_query_is_a_sample_and_no_repository_asks_it_too() -> None:
    written = {path.name for path in (samples.ROOT / samples.QUERIES).glob("*.sql")}
    assert written == {sample.path.name for sample in samples.SAMPLES if not sample.is_asked}


@pytest.mark.parametrize("sample", samples.SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_is_shown_as_it_is_run(committed: str, sample: Sample) -> None:
    assert f"```sql\n{sample.statement}\n```" in committed
    assert not re.search(r"%\(|%%|/\*", sample.statement)


def test_all_five_specifications_are_compared() -> None:
    assert len({difference.document for difference in differences.read()}) == 5


@pytest.mark.parametrize(
    "difference", [found for found in differences.read() if found.holds], ids=lambda found: found.says
)
def test_a_difference_is_as_it_is_told(shared: TestDatabase, difference: differences.Difference) -> None:
    with psycopg.connect(shared.admin_url) as connection:
        assert connection.execute(str(difference.holds).encode()).fetchall() == [(True,)]
        connection.rollback()
