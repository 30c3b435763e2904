"""Write the documents that come from the code: `python -m docs.generate`, with `--check` to only compare.

A generated document is a module here with a function ``documents`` that gives texts by path; a new
one is entered in ``SOURCES``.  A folder that holds nothing but generated files is in ``FOLDERS``.
"""

import argparse
import difflib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from . import json_schemas, lifecycle, messages
from .compatibility import NotAdditive
from .database import page
from .database.page import Untold

ROOT: Final = Path(__file__).parent

Documents = Mapping[str, str]
"""Texts by their path below docs/."""

SOURCES: Final[tuple[Callable[[], Documents], ...]] = (
    messages.documents,
    lifecycle.documents,
    json_schemas.documents,
    page.documents,
)
FOLDERS: Final = ("schemas",)

_LONGEST_HINT: Final = 20


def main(arguments: list[str] | None = None, *, root: Path = ROOT) -> int:
    """Write the documents, or say which are stale; 1 when there is something to do."""
    options = _parser().parse_args(arguments)
    try:
        made = generated()
    except Untold as error:
        return _told([str(error)], remedy="Nothing was written.")
    if options.check:
        return _told(stale(made, root), remedy="Run `make docs` and commit what it writes.")
    try:
        json_schemas.check_additive(made, root)
    except NotAdditive as error:
        return _told([str(error)], remedy="Nothing was written.")
    write(made, root)
    return 0


def generated() -> Documents:
    """Make all documents."""
    return {path: text for documents in SOURCES for path, text in documents().items()}


def write(made: Documents, root: Path) -> None:
    """Write what is new or different, and remove what no source makes any more."""
    for path, text in made.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if _read(root / path) != text:
            (root / path).write_text(text, encoding="utf-8")
            print(f"wrote docs/{path}")
    for path in orphans(made, root):
        (root / path).unlink()
        print(f"removed docs/{path}")


def stale(made: Documents, root: Path) -> list[str]:
    """Give a paragraph for each document that differs from what the code says, with the first differences."""
    different = [_difference(path, _read(root / path), text) for path, text in made.items()]
    left = [f"docs/{path} is made from nothing any more" for path in orphans(made, root)]
    return [paragraph for paragraph in different if paragraph] + left


def orphans(made: Documents, root: Path) -> Iterator[str]:
    """Give the files in generated folders that no source makes."""
    for folder in FOLDERS:
        for path in sorted((root / folder).glob("*")):
            name = path.relative_to(root).as_posix()
            if name not in made:
                yield name


def _difference(path: str, old: str, new: str) -> str:
    if old == new:
        return ""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), "committed", "generated", lineterm="", n=1)
    hint = list(lines)[2:]
    more = len(hint) - _LONGEST_HINT
    ending = [f"    … and {more} lines more"] if more > 0 else []
    shown = [f"    {line}" for line in hint[:_LONGEST_HINT]]
    return "\n".join([f"docs/{path} is stale:", *shown, *ending])


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _told(paragraphs: list[str], *, remedy: str) -> int:
    if not paragraphs:
        return 0
    print("\n".join([*paragraphs, remedy]), file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m docs.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a document is stale")
    return parser


if __name__ == "__main__":
    sys.exit(main())
