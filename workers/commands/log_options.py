"""What may be asked of the lines that instances printed, and where the answers go."""

import argparse
import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from db.engine import Database
from process.signals import stop_event

from . import answers, following, lines
from .dead_letters import CommandError
from .lines import LEVELS, MOST, Question
from .moments import moment, window
from .progress import Progress

Tell = Callable[[str], None]

_LONGEST_WORDS: Final = 500
_SHOWN: Final = {True: lines.as_json, False: lines.told}


def add_gateway(parser: argparse.ArgumentParser) -> None:
    """Declare what may be asked of the records of the gateway."""
    _add_quarantine(parser.add_subparsers(dest="action", required=True, metavar="ACTION"), "records")


def _add_quarantine(actions: "argparse._SubParsersAction[argparse.ArgumentParser]", what: str) -> None:
    quarantine = actions.add_parser("quarantine", help=f"why {what} could not be stored, and how many")
    quarantine.add_argument("--days", type=lines.count(3_650), default=7, help="how far to look back")
    quarantine.add_argument("--json", action="store_true")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_quarantine(actions, "lines")
    tail = actions.add_parser("tail", help="the last lines, and what comes")
    searching = actions.add_parser("search", help="lines with certain words")
    searching.add_argument(
        "words",
        type=_words,
        help="all in one argument: 'refused', '\"connection refused\"', 'refused -port' or 'a or b'",
    )
    # Taken only to be refused with the remedy: argparse would say that it does not know them.
    searching.add_argument("further", nargs="*", help=argparse.SUPPRESS)
    for action in (tail, searching):
        _add_question(action)


def _add_question(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--instance", type=UUID, action="append", required=True, metavar="ID", help="whose lines; may be repeated"
    )
    action.add_argument("--level", choices=LEVELS, help="only lines of this level or worse")
    action.add_argument(
        "--since",
        type=moment,
        default="24h",
        help="30m, 2h, 7d ago, or a date in UTC such as 2026-11-01T10:00; a day if left out",
    )
    action.add_argument("--until", type=moment, help="the same; up to now if left out")
    action.add_argument(
        "--limit", type=lines.count(MOST), default=100, help=f"the newest so many, at most {MOST:,}; 100 if left out"
    )
    action.add_argument("--before", type=lines.mark, metavar="MARK", help="go on where the page before ended")
    action.add_argument("--follow", action="store_true", help="show what comes, until Ctrl-C")
    action.add_argument("--json", action="store_true", help="a JSON object on each line")


def read(database: Database, options: argparse.Namespace, *, tell: Tell, hint: Tell) -> int:
    """Tell lines and give the exit code."""
    question, shown = _question(options), _SHOWN[options.json]
    if options.follow:
        following.follow(database, question, lambda row: tell(shown(row)), stop_event().wait)
        return 0
    voice = answers.Voice(lambda row: tell(shown(row)), hint, Progress(sys.stderr))
    return answers.show(database, question, voice, as_found=options.action == "search")


def _question(options: argparse.Namespace) -> Question:
    if options.follow and (options.until or options.before):
        message = "--follow shows what comes from now on: leave out --until and --before"
        raise CommandError(message)
    return Question(
        tuple(dict.fromkeys(options.instance)),
        window(options.since, options.until, otherwise=datetime.now(UTC) + lines.AHEAD),
        levels=options.level and LEVELS[LEVELS.index(options.level) :],
        words=_quoted(options) if options.action == "search" else None,
        limit=options.limit,
        before=options.before,
    )


def _quoted(options: argparse.Namespace) -> str:
    words: str = options.words
    if options.further:
        message = f"put the words in one pair of quotes: {shlex.quote(' '.join([words, *options.further]))}"
        raise CommandError(message)
    return words


def _words(text: str) -> str:
    if len(text) > _LONGEST_WORDS or not any(character.isalnum() for character in text):
        message = f"search for a word or more, of {_LONGEST_WORDS} characters together at most"
        raise argparse.ArgumentTypeError(message)
    return text
