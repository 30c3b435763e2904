"""SQL that the tables share; ``n`` is the number of the row."""

from typing import Final

TENANT: Final = "'tenant-' || n % greatest({rows} / 100, 10)"
SPREAD: Final = "now() - ({rows} - n) * interval '27 days' / {rows}"
"""Times in the order of the rows, over four weeks: in partitions that exist on every day of a month."""


def uuid(number: str) -> str:
    """Give the id of the row of that number."""
    return f"('00000000-0000-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"


def token_hash(number: str = "n") -> str:
    """Give 64 hexadecimal digits."""
    return f"lpad(to_hex({number}), 64, '0')"


def at_random(number: int) -> str:
    """Give a number below another."""
    return f"floor(random() * {number})::integer"


def mostly(usual: str, **others: int) -> str:
    """Give a word: one of the others as often per thousand as it says, else the usual one."""
    reached, cases = 0, ""
    for word, share in others.items():
        reached += share
        cases += f" WHEN dice.roll < {reached} THEN '{word}'"
    return f"(SELECT CASE{cases} ELSE '{usual}' END FROM (SELECT random() * 1000 + n * 0 AS roll OFFSET 0) dice)"  # noqa: S608  our own words
