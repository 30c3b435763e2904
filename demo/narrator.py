"""What the demo says while it works."""

import sys
import time
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_WIDTH_OF_A_PIPE: Final = 110
_NARROWEST: Final = 80


class Narrator:
    """Tells a newcomer what happens and why it matters, with the seconds since the beginning."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE
        self._console = Console(width=width, highlight=False)
        if self._console.width < _NARROWEST:
            self._console = Console(width=_NARROWEST, highlight=False)
        self._beginning = time.monotonic()
        self._acts = 0

    @property
    def seconds(self) -> float:
        """How long the demo has been running."""
        return time.monotonic() - self._beginning

    def act(self, title: str, why: str) -> None:
        """Begin an act: what is going to happen, and why anybody should care."""
        self._console.print()
        self._acts += 1
        self._console.print(Text(f"{self._acts}  {title}", style="bold cyan"))
        self._console.print(Text(why, style="dim"))

    def say(self, sentence: str, *, style: str = "") -> None:
        """Tell one thing that has just happened."""
        line = Table.grid(padding=(0, 1))
        line.add_column(justify="right", width=7, style="dim")
        line.add_column()
        line.add_row(f"{self.seconds:.1f} s", Text(sentence, style=style))
        self._console.print(line)

    def prove(self, sentence: str) -> None:
        """Tell something that the demo has checked."""
        self.say(f"✓ {sentence}", style="green")

    def show(self, picture: RenderableType) -> None:
        """Print a table."""
        self._console.print()
        self._console.print(picture)

    def fail(self, sentence: str, last_words: str) -> None:
        """Tell why the demo could not go on, and what the process concerned printed last."""
        self._console.print()
        if last_words:
            self._console.print(Text(last_words, style="dim"))
        self._console.print(Text(f"The demo failed: {sentence.rstrip('.')}.", style="bold red"))


def short(text: str, limit: int) -> str:
    """Cut a text where it gets longer than a reader's patience."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
