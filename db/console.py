"""How the commands of `python -m db` are declared, take their settings and answer."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from db.encryption import KeyRing
from db.errors import DatabaseError
from db.schema import Report

Run: TypeAlias = Callable[[argparse.Namespace, Mapping[str, str]], None]

URLS: Final = ("DATABASE_ADMIN_URL", "DATABASE_URL")


class UsageError(DatabaseError):
    """The command cannot run as it was called."""


class NothingFound(UsageError):
    """What the command was to look at is not there, so that it can tell nothing of it."""


def command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, run: Run, promise: str
) -> argparse.ArgumentParser:
    """Declare a command, and what runs it."""
    parser = commands.add_parser(name, help=promise, description=promise)
    parser.set_defaults(run=run)
    # Also after the command, where people put it; SUPPRESS keeps one given before it.
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


def database_url(environment: Mapping[str, str], *names: str) -> str:
    """Give the first of these settings that there is."""
    for name in names:
        if found := setting(environment, name):
            return found
    raise UsageError(
        f"Set {names[0]} (or {names[0]}_FILE) to the URL of PostgreSQL, postgresql://USER:PASSWORD@HOST/NAME."
    )


def master_keys(environment: Mapping[str, str]) -> KeyRing:
    """Give the master keys of the settings, none if there are none."""
    return KeyRing.parse(setting(environment, "MASTER_KEYS") or "")


def reporter(options: argparse.Namespace, steps: list[str]) -> Report:
    """Give what tells people of each step, and keeps the steps."""

    def report(step: str) -> None:
        steps.append(step)
        if not options.json:
            print(step, flush=True)

    return report


def progress(step: str) -> None:
    """Tell people of a step where programs do not read."""
    print(step, file=sys.stderr, flush=True)


def conclude(options: argparse.Namespace, facts: Mapping[str, object], sentence: str) -> None:
    """Answer people with a sentence, programs with facts."""
    print(json.dumps(facts) if options.json else sentence)


def setting(environment: Mapping[str, str], name: str) -> str | None:
    """Give a setting, or what the file named by NAME_FILE holds; None if there is neither."""
    if given := environment.get(name):
        return given
    file = environment.get(f"{name}_FILE")
    return _read(name, Path(file)) if file else None


def _read(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"{name}_FILE cannot be read: {error}.") from None
