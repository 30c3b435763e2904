"""Expressions of the catalog, as a person would have written them."""

import re
from typing import Final

from .tables import short

_LIST: Final = re.compile(r"\((\w+)\)::text (= ANY|<> ALL) \(\(ARRAY\[(.*?)\]\)::text\[\]\)")
_RANGE: Final = re.compile(r"\(\((\w+) >= (\d+)\) AND \(\1 <= (\d+)\)\)")
_CONTEXT: Final = re.compile(r"\( SELECT (\w+\(\)) AS \w+\)")
_CASTS: Final = (
    re.compile(r"('(?:[^']|'')*')::(?:varchar|text|regconfig|jsonb|user_role)"),
    re.compile(r"\((\w+)\)::(?:text|regclass|double precision|numeric)\b"),
)
_WORDS: Final = {"= ANY": "IN", "<> ALL": "NOT IN"}


def readable(text: str) -> str:
    """Leave out casts and parentheses that only the server needs."""
    text = _CASTS[0].sub(r"\1", " ".join(short(text).split()))
    text = _LIST.sub(lambda found: f"{found[1]} {_WORDS[found[2]]} ({found[3]})", text)
    text = _RANGE.sub(r"(\1 BETWEEN \2 AND \3)", _uncast(text))
    return _unwrapped(_CONTEXT.sub(r"\1", text).replace("( SELECT", "(SELECT").replace(" ~~ ", " LIKE "))


def check(definition: str) -> str:
    """Return what a CHECK constraint demands."""
    return readable(definition.removeprefix("CHECK "))


def indexed(definition: str) -> str:
    """Return what an index is on: its kind unless it is a B-tree, its columns, and the rows that it holds."""
    kind, _, rest = definition.partition(" USING ")[2].partition(" ")
    columns, where, condition = rest.partition(" WHERE ")
    wanted = f"{where}{readable(condition)}" if where else ""
    method = "" if kind == "btree" else f"{kind} "
    return method + _uncast(short(columns)) + wanted


def _uncast(text: str) -> str:
    for cast in _CASTS:
        text = cast.sub(r"\1", text)
    return text


def _unwrapped(text: str) -> str:
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1]
    return text


def _closing(text: str) -> int:
    depth = 0
    for place, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return place
    return -1
