"""What a question about lines is answered with: the lines, where to go on, and how far was looked."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from db.engine import Database
from db.looking import LogRow
from db.page import Mark

from .lines import Question, marked, walking, wanted
from .output import STOPPED
from .progress import Progress
from .walking import Walk


@dataclass(frozen=True, slots=True)
class Voice:
    """Where lines are told, where sentences about them are, and what shows that it goes on."""

    tell: Callable[[LogRow], None]
    hint: Callable[[str], None]
    progress: Progress


def show(database: Database, question: Question, voice: Voice, *, as_found: bool) -> int:
    """Tell the newest lines that were asked for: as they are found, or all in the end and the oldest of them first."""
    answer = Answer(question, voice, walking(database, question, wanted(database, question)), as_found=as_found)
    try:
        with suppress(StopIteration):
            while len(answer.rows) < question.limit:
                answer.go_on()
    except KeyboardInterrupt:
        answer.stopped = True
    finally:
        voice.progress.clear()
    answer.conclude()
    return STOPPED if answer.stopped else 0


class Answer:
    """What was found so far."""

    def __init__(self, question: Question, voice: Voice, walk: Walk, *, as_found: bool) -> None:
        """Begin with nothing found."""
        self._question = question
        self._voice = voice
        self._walk = walk
        self._looks = iter(walk)
        self._as_found = as_found
        self._come_to = question.before
        self.rows: list[LogRow] = []
        self.stopped = False

    def go_on(self) -> None:
        """Look at some more lines; StopIteration if there are none."""
        found = next(self._looks)
        rows = found[: self._question.limit - len(self.rows)]
        for row in rows:
            if self._as_found:
                self._tell(row)
            self.rows.append(row)
        # What was found beyond the limit is not told, so the next page begins with it.
        self._come_to = self._walk.edge if len(rows) == len(found) else rows[-1].mark
        self._voice.progress.show(self._walk, len(self.rows))

    def conclude(self) -> None:
        """Tell what is not told yet, and where to go on or how far was looked."""
        for row in () if self._as_found else reversed(self.rows):
            self._voice.tell(row)
        place = self._place()
        if self.stopped:
            self._voice.hint(f"stopped; older lines: --before {marked(place)}" if place else "stopped")
        elif len(self.rows) == self._question.limit and place:
            self._voice.hint(f"older lines: --before {marked(place)}")
        elif not self.rows:
            self._voice.hint(self._nothing())

    def _tell(self, row: LogRow) -> None:
        self._voice.progress.clear()
        self._voice.tell(row)

    def _place(self) -> Mark | None:
        """Give the mark that everything newer was told of."""
        marks = [self._come_to] if self._come_to else []
        return min([*marks, self.rows[-1].mark] if self.rows else marks, default=None)

    def _nothing(self) -> str:
        window = self._question.window
        until = min(window.until, datetime.now(UTC), *([self._question.before.at] if self._question.before else []))
        span = f"from {window.since:%Y-%m-%d %H:%M:%S} to {until:%Y-%m-%d %H:%M:%S} (UTC)"
        if self._walk.lines == 0:
            return f"no line was printed {span}: --since looks further back"
        return f"nothing found in {self._walk.lines:,} lines {span}"
