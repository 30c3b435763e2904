"""`python -m db audit`: whether somebody tampered with the audit tables."""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Final

from db.console import URLS, NothingFound, UsageError, command, conclude, database_url
from db.engine import Database
from db.errors import DatabaseError
from db.printable import printable
from db.settings import DatabaseSettings
from db.verifying import Verified, verify

_HASH_LENGTH: Final = 64
_TOLD: Final = 20


class AuditBroken(DatabaseError):
    """An audit table is not as it was written."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the commands."""
    audit = commands.add_parser("audit", help="whether somebody tampered with the audit tables")
    actions = audit.add_subparsers(required=True, metavar="ACTION")
    checking = command(
        actions, "verify", _verify, "compare every row of the audit tables with the chains that they were sealed in"
    )
    checking.add_argument("--tenant", metavar="ID", help="only this tenant's chains; all if left out")
    checking.add_argument(
        "--known", action="append", default=[], metavar="HASH", help="a block that was told before must still be there"
    )
    checking.epilog = (
        "Exits with 1 and says which row or block it is when something is broken, with 2 when --tenant has neither rows"
        " nor blocks."
    )


def _verify(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    for each in options.known:
        if len(each) != _HASH_LENGTH or set(each.lower()) - set("0123456789abcdef"):
            raise UsageError(f"{printable(each)} is no hash of a block: those have 64 digits of 0-9 and a-f.")
    # A day of calls is compared as a whole.
    settings = DatabaseSettings(
        url=database_url(environment, *URLS), application_name="minimcp-audit", statement_timeout_ms=0
    )
    with closing(Database(settings)) as database:
        verified = verify(database, tenant_id=options.tenant, known=options.known)
    conclude(options, verified.facts(), "\n".join(_sentences(verified)))
    if not verified.is_intact:
        raise AuditBroken("The audit tables are not as they were written. Keep the database as it is, and look.")
    if verified.has_nothing:
        raise NothingFound(
            f"Nothing was verified: no row was ever sealed or written for tenant {printable(options.tenant)!r}."
            " Without --tenant the last lines name the tenants that there are."
        )


def _sentences(verified: Verified) -> Iterator[str]:
    yield (
        f"{verified.rows:,} rows compared with {verified.blocks:,} blocks;"
        f" {verified.erased:,} were erased with their users, {verified.waiting:,} wait to be sealed."
    )
    if verified.restored:
        yield f"{verified.restored:,} came back from archives, and are as they were then."
    yield from _gone(verified)
    for block in verified.broken_blocks[:_TOLD]:
        yield f"block {block.number} of {block.table_name}, {_whose(block.tenant_id)}: {_BLOCKS[str(block.problem)]}"
    for row in verified.broken_rows[:_TOLD]:
        sealed = "" if row.number is None else f", sealed in block {row.number}"
        yield (
            f"row {row.row_id} of {row.table_name}, {_whose(row.tenant_id)}, {row.row_time:%Y-%m-%d %H:%M:%S}{sealed}:"
            f" it was {row.problem}"
        )
    further = len(verified.broken_blocks[_TOLD:]) + len(verified.broken_rows[_TOLD:])
    if further:
        yield f"and {further:,} more: see --json"
    for each in verified.forgotten:
        yield f"no block has the hash {each}: the end of its chain was removed, or all of it was written anew"
    for head in verified.heads.values():
        yield f"{head.table_name}, {_whose(head.tenant_id)}: block {head.number} is the last, {head.hash}"


def _gone(verified: Verified) -> Iterator[str]:
    for span in verified.retired:
        place = f", to {span.archive_uri}" if span.archive_uri else ""
        yield f"{span.table_name}: {span.range_from:%Y-%m-%d} to {span.range_to:%Y-%m-%d} went with retention{place}"
    for gap in verified.missing:
        yield (
            f"{gap.table_name}: {gap.range_from:%Y-%m-%d} to {gap.range_to:%Y-%m-%d} is missing, with"
            f" {gap.rows:,} sealed rows: no retention took it"
        )
    for table in verified.feigned:
        yield (
            f"{table.table_name}: {table.erased:,} rows are said to be erased, and erasures tell of"
            f" {table.explained:,}: others were changed as if by one"
        )
    for each in verified.altered:
        yield f"{each} is not as it was made, so what it seals or compares cannot be relied on"


_BLOCKS: Final = {
    "block-before-removed": "the block before it was removed",
    "block-unlinked": "it does not follow the block before it: one of them was changed, or their order was",
    "block-changed": "it was changed",
    "lists-removed": "its lists were removed, and no retention took its rows",
}


def _whose(tenant_id: str) -> str:
    return f"tenant {printable(tenant_id)}" if tenant_id else "no tenant"
