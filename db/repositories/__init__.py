"""The statements: one noun per file, one sentence per method, one statement per sentence."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from db.statement import Statement


@cache
def statements() -> Mapping[str, Statement]:
    """Give every statement of every repository by its name."""
    rooms = (import_module(f"{__name__}.{room.name}") for room in iter_modules(__path__))
    found = (value for room in rooms for held in vars(room).values() for value in _values(held))
    return {value.name: value for value in found if isinstance(value, Statement)}


def _values(held: object) -> Iterable[object]:
    # Statements that are made from a table stand in a mapping.
    return held.values() if isinstance(held, Mapping) else (held,)
