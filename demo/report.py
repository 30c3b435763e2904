"""What happened, read from PostgreSQL, as tables."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from . import ticks
from .cast import Cast
from .fleet import HOST
from .narrator import short

_PORTS: Final = """
    SELECT p.port, i.name, p.allocated_at, p.released_at
      FROM port_allocations p LEFT JOIN mcp_instances i ON i.id = p.mcp_instance_id
     WHERE p.host_id = %(host)s ORDER BY p.port
"""
_EVENTS: Final = """
    SELECT e.created_at, i.name, e.event_type,
           concat_ws(', ', 'port ' || (e.event_data ->> 'port'), 'pid ' || (e.event_data ->> 'process_id'),
                     'was ' || (e.event_data ->> 'from'), e.event_data ->> 'reason', e.event_data ->> 'error')
      FROM mcp_events e JOIN mcp_instances i ON i.id = e.mcp_instance_id
     WHERE e.mcp_instance_id = ANY (%(instances)s) ORDER BY e.created_at, e.id
"""
_HEALTH: Final = """
    SELECT h.scheduled_at, i.name, h.verdict, h.era, round(h.response_ms::numeric, 1), h.error
      FROM health_checks h JOIN mcp_instances i ON i.id = h.target_id
     WHERE h.target_id = ANY (%(instances)s) ORDER BY h.scheduled_at
"""
_PUT_BY: Final = "SELECT state, wire_name, queue FROM redeliveries WHERE created_at >= %(begun)s ORDER BY created_at"
_RUNS: Final = "SELECT count(*) FROM maintenance.runs WHERE task = %(task)s AND finished_at >= %(begun)s"


def show(cast: Cast) -> None:
    """Print every table."""
    for table in (instances, ports, events, health, logs, partitions, timetable, dead_letters, put_by):
        cast.narrator.show(table(cast))


def instances(cast: Cast) -> Table:
    """Show what became of each instance."""
    with cast.stage.database.transaction() as uow:
        rows = uow.fleet.overview(cast.ids())
    return _table(
        "Instances",
        ("name", "type", "status", "deleted", "port", "holds it", "verdict", "failures", "why"),
        (
            (
                row.name,
                row.mcp_type,
                row.status,
                row.deleted_at and "yes",
                row.port,
                "yes" if row.holds_port else "no",
                row.verdict,
                row.consecutive_failures,
                row.error_message,
            )
            for row in rows
        ),
    )


def ports(cast: Cast) -> Table:
    """Show who leases which port of the host; a port that was given back rests before it is leased again."""
    rows = cast.stage.ask(_PORTS, host=HOST)
    return _table(
        f"Ports of the host {HOST}",
        ("port", "leased by", "since", "given back"),
        ((port, name or "-", _time(since) if name else None, _time(back)) for port, name, since, back in rows),
    )


def events(cast: Cast) -> Table:
    """Show what happened to the instances, in order."""
    rows = cast.stage.ask(_EVENTS, instances=cast.ids())
    return _table(
        "Events", ("recorded", "instance", "event", "details"), ((_time(at), *others) for at, *others in rows)
    )


def health(cast: Cast) -> Table:
    """Show every check."""
    rows = cast.stage.ask(_HEALTH, instances=cast.ids())
    return _table(
        "Health checks",
        ("slot", "instance", "verdict", "era", "ms", "why"),
        ((_time(at), *others) for at, *others in rows),
    )


def logs(cast: Cast) -> Table:
    """Show how many lines of each level every instance has."""
    with cast.stage.database.transaction() as uow:
        counts = uow.logs.levels(cast.ids(), since=cast.begun)
    levels = ("debug", "info", "warn", "error")
    rows = [(cast.name_of(one), [found.get(level, 0) for level in levels]) for one, found in counts.items()]
    return _table("Log lines", ("instance", *levels, "all"), ((name, *all_, sum(all_)) for name, all_ in sorted(rows)))


def partitions(cast: Cast) -> Table:
    """Show how far the partitions reach, and how long rows are kept."""
    with cast.stage.database.transaction() as uow:
        horizons = uow.partitions.horizon()
    return _table(
        "Partitions",
        ("table", "partitions", "from", "to", "gaps", "rows kept"),
        (
            (
                row.table_name,
                row.partitions,
                row.covered_from and f"{row.covered_from:%Y-%m-%d}",
                row.covered_to and f"{row.covered_to:%Y-%m-%d}",
                row.gaps,
                f"{row.retention_days} days",
            )
            for row in horizons
        ),
    )


def timetable(cast: Cast) -> Table:
    """Show that each fire time has its effect once, however many schedulers sent it."""
    rows = []
    for name, (first, second) in cast.fire_times.items():
        ids = ticks.message_ids(cast, name)
        ((applied,),) = cast.stage.ask(ticks.APPLIED, messages=ids)
        rows.append((name, len(first | second), len(first), len(second), applied))
    return _table("Ticks", ("tick", "fire times", "sent by scheduler 1", "by scheduler 2", "applied"), rows)


def dead_letters(cast: Cast) -> Table:
    """Show what was given up, and why."""
    with cast.stage.database.transaction() as uow:
        letters = [letter for letter in uow.dead_letters.list(limit=50) if letter.created_at >= cast.begun]
    return _table(
        "Dead letters",
        ("reason", "message", "error", "payload"),
        (
            (letter.reason, letter.wire_name or "?", letter.error, short(letter.payload, 60))
            for letter in reversed(letters)
        ),
    )


def put_by(cast: Cast) -> Table:
    """Show what waits for a worker that knows it, or for another try."""
    return _table("Put by", ("state", "message", "queue"), cast.stage.ask(_PUT_BY, begun=cast.begun))


def _table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text, for what a server or a payload says in brackets is no markup of ours.
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    return table


def _time(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%H:%M:%S.%f}"[:-3]
