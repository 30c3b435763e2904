"""Definitions of shared services from a file, or from the files of a folder and the folders in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from db.definitions import Definition, Skipped
from db.documents import definition
from db.entries import Entry, entries
from db.fields import Unusable

_SUFFIXES: Final = frozenset({".json", ".jsonl", ".ndjson"})
# Copies of other people's packages are no services of ours.
_IGNORED: Final = frozenset({"node_modules"})
# `config.json` in a folder of its own is called as the folder.
_NAMELESS: Final = "config"


def read(path: Path) -> Iterator[Definition | Skipped]:
    """Give every definition of the file, or of the folder's files, and what could not be read."""
    if not path.is_dir():
        yield from _file(path, path.name)
        return
    for found in _files(path, {_identity(path)}):
        if isinstance(found, Path):
            yield from _file(found, str(found.relative_to(path)))
        else:
            yield found


def _files(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path | Skipped]:
    """Walk a folder in order; a link back to a folder that was walked is not followed."""
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        yield Skipped(str(folder), f"cannot be read: {error.strerror}")
        return
    for each in inside:
        if each.is_dir():
            if each.name.startswith(".") or each.name in _IGNORED or (identity := _identity(each)) in seen:
                continue
            seen.add(identity)
            yield from _files(each, seen)
        elif each.suffix.lower() in _SUFFIXES:
            yield each


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino


def _file(file: Path, name: str) -> Iterator[Definition | Skipped]:
    try:
        if file.exists() and not file.is_file():
            # Reading a pipe would wait for ever.
            yield Skipped(name, "cannot be read: it is no file")
            return
        # A byte that is not UTF-8 spoils its own entry only.
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        yield Skipped(name, f"cannot be read: {error.strerror}")
        return
    called = file.parent.name if file.stem == _NAMELESS else ""
    for entry in entries(text):
        yield _read(f"{name}:{entry.line}", entry, called)


def _read(source: str, entry: Entry, called: str) -> Definition | Skipped:
    if entry.problem is not None:
        return Skipped(source, entry.problem)
    try:
        return definition(source, entry.value, name=entry.key or called)
    except Unusable as unusable:
        return Skipped(source, str(unusable))
