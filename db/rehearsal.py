"""Doing something to see what would happen, and then not having done it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from db.engine import Database
from db.unit_of_work import UnitOfWork


class _UndoError(Exception):
    """Ends a transaction whose effects nobody wants."""


@contextmanager
def rehearsable_part(uow: UnitOfWork, *, is_rehearsal: bool) -> Iterator[None]:
    """Undo the block at its end if it is a rehearsal; the transaction goes on, and what it locked stays locked."""
    with suppress(_UndoError), uow.savepoint():
        yield
        if is_rehearsal:
            raise _UndoError


@contextmanager
def rehearsable(database: Database, *, is_rehearsal: bool) -> Iterator[UnitOfWork]:
    """Open a transaction that is committed at its end, or rolled back if it is a rehearsal."""
    with suppress(_UndoError), database.transaction() as uow:
        yield uow
        if is_rehearsal:
            raise _UndoError
