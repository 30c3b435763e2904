"""People read what was counted by hours and days: of all there are or of one, page by page, as a table or as JSON."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from tests.databases import TestDatabase
from workers.__main__ import main

TODAY: Final = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
Ask = Callable[..., tuple[list[str], str]]

_REQUESTS: Final = (
    "INSERT INTO gateway.request_rollups (unit, starts_at, tenant_id, server_id, entries, errors, succeeded, measured,"
    " total_ms, p50_ms, p95_ms, p99_ms) VALUES (%s, %s, %s, %s, %s, %s, 1, 2, 30, 10, 19.5, 1234.56)"
)


@pytest.fixture
def ask(test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run the command; give the lines of its answer and what it says besides."""
    monkeypatch.setenv("DATABASE_URL", test_database.worker_url)

    def run(*arguments: object) -> tuple[list[str], str]:
        assert main(["usage", *map(str, arguments)]) == 0
        out, told = capsys.readouterr()
        return out.splitlines(), told

    return run


@pytest.fixture
def counted(test_database: TestDatabase) -> None:
    """Have two tenants ask two servers on each of three days, and in one hour."""
    for day in range(3):
        for number, (tenant, server) in enumerate([("acme", "mails"), ("acme", "tickets"), ("umbrella", "")]):
            test_database.ask(_REQUESTS, "day", TODAY - day * DAY, tenant, server, 1_000 * (day + 1), number)
    test_database.ask(_REQUESTS, "hour", TODAY - HOUR, "acme", "mails", 7, 0)


@pytest.mark.usefixtures("counted")
def test_days_are_a_table_with_a_sum(ask: Ask) -> None:
    told, besides = ask("requests", "--since", f"{TODAY - DAY:%Y-%m-%d}")
    assert told[0].split() == [
        *("since", "(UTC)", "tenant", "server", "requests", "errors", "%", "mean", "ms", "p50", "p95", "p99")
    ]
    assert [line.split() for line in told[1:3]] == [
        [f"{TODAY - DAY:%Y-%m-%d}", "acme", "mails", "2,000", "0", "0.00", "15.0", "10.0", "19.5", "1,234.6"],
        [f"{TODAY - DAY:%Y-%m-%d}", "acme", "tickets", "2,000", "1", "0.05", "15.0", "10.0", "19.5", "1,234.6"],
    ]
    assert told[-1].split() == ["together", "9,000", "6", "0.07"]
    assert besides == ""


@pytest.mark.usefixtures("counted")
def test_one_tenant_or_one_server_is_told_apart(ask: Ask) -> None:
    told, _ = ask("requests", "--tenant", "acme", "--server", "mails", "--json")
    assert [(row["starts_at"], row["entries"]) for row in map(json.loads, told)] == [
        ((TODAY - day * DAY).isoformat(), 1_000 * (day + 1)) for day in (2, 1, 0)
    ]
    hours, _ = ask("requests", "--by", "hour", "--since", "3d", "--json")
    (row,) = map(json.loads, hours)
    assert (row["tenant_id"], row["subject"], row["entries"], row["avg_ms"]) == ("acme", "mails", 7, 15.0)
    for nobody in ("nobody", "\udcff"):
        assert ask("requests", "--tenant", nobody)[0][0].startswith("Nothing was counted from ")
        (sentence,), besides = ask("requests", "--server", nobody)
        assert sentence.startswith("Nothing was counted from ")
        assert besides.startswith("nothing was ever counted for server '")
    (sentence,), besides = ask("requests", "--tenant", "acme", "--until", f"{TODAY - 9 * DAY:%Y-%m-%d}")
    assert (sentence.startswith("Nothing was counted from "), besides) == (True, "")


def test_programs_read_thousandths_null_for_nobody_and_no_line_for_nothing(
    ask: Ask, test_database: TestDatabase
) -> None:
    test_database.ask(
        "INSERT INTO gateway.request_rollups (unit, starts_at, tenant_id, server_id, entries, errors, succeeded,"
        " measured, total_ms, p50_ms, p95_ms, p99_ms)"
        " VALUES ('day', %s, '', '', 3, 0, 3, 3, 10, 0.1, 195.39999999999998, 200)",
        TODAY,
    )
    (line,), _ = ask("requests", "--json")
    assert '"avg_ms": 3.333, "p50_ms": 0.1, "p95_ms": 195.4, "p99_ms": 200.0' in line
    row = json.loads(line)
    assert (row["tenant_id"], row["subject"]) == (None, None)
    assert ask("requests", "--tenant", "", "--json")[0] == [line]
    lines, besides = ask("calls", "--json")
    assert lines == []
    assert besides.startswith("Nothing was counted from ")


@pytest.mark.usefixtures("counted")
def test_a_page_holds_whole_days_and_says_where_the_older_ones_are(ask: Ask) -> None:
    days: list[str] = []
    arguments: list[object] = ["requests", "--limit", 5, "--since", f"{TODAY - 9 * DAY:%Y-%m-%d}", "--json"]
    told, besides = ask(*arguments)
    while True:
        days = [json.loads(line)["starts_at"] for line in told] + days
        if not besides:
            break
        told, besides = ask(*arguments, "--until", besides.split()[-1])
    assert days == [(TODAY - day * DAY).isoformat() for day in (2, 1, 0) for _ in range(3)]


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--limit", "2"], "one day alone has more than 2 rows: raise --limit"),
        (["--since", "2026-02-01", "--until", "2026-01-01"], "is not before --until"),
        (["--since", "2199-01-01"], "error: --since 2199-01-01 00:00:00 (UTC) is still to come\n"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_what_to_do(
    test_database: TestDatabase,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", test_database.worker_url)
    assert main(["usage", "requests", *arguments]) == 1
    assert sentence in capsys.readouterr().err


def test_calls_and_samples_are_told_and_what_is_not_counted_yet(ask: Ask, test_database: TestDatabase) -> None:
    for table, column, name in (
        ("service_usage_rollups", "service_type", "notion\x1b[31m"),
        ("gateway.metric_rollups", "server_id", "tickets"),
    ):
        rates = ", error_rates" if column == "server_id" else ""
        test_database.ask(
            f"INSERT INTO {table} (unit, starts_at, {column}, entries, errors, measured, total_ms{rates})"  # noqa: S608  our own names
            f" VALUES ('hour', %s, %s, 4, 1, 0, 0{', 0' if rates else ''})",
            TODAY,
            name,
        )
    test_database.ask(
        "INSERT INTO rollup_marks (table_name, hour) SELECT 'gateway.server_metrics', %s FROM generate_series(1, 3)",
        TODAY,
    )
    since = f"{TODAY:%Y-%m-%d}"
    calls, besides = ask("calls", "--by", "hour", "--since", since)
    assert calls[1].split() == [since, "00:00", "notion\\x1b[31m", "4", "1", "25.00", "-", "-", "-", "-"]
    assert besides == ""
    samples, besides = ask("samples", "--by", "hour", "--since", since, "--server", "tickets")
    assert samples[1].split() == [since, "00:00", "tickets", "4", "1", "25.00", "-", "-", "-", "-"]
    assert besides.startswith("1 of these hours still to be counted")
