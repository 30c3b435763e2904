"""The repository's own rules, which no linter knows: `python -m tests.architecture.guard`.

Each rule says in its sentence what to do; what is found is printed as `path:line: sentence`.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LONGEST_FILE: Final = 300

EMPTY_NAMES: Final = re.compile(r"(^|/)(utils?|helpers?|common|misc|managers?|handlers?)(\.\w+|/|$)")


@dataclass(frozen=True)
class Rule:
    """A pattern that no line may hold, and the sentence for whoever wrote one."""

    sentence: str
    pattern: re.Pattern[str]
    suffixes: tuple[str, ...] = ()

    def finds(self, path: Path, line: str) -> bool:
        """Tell whether the rule looks at this file and the line breaks it."""
        return (not self.suffixes or path.suffix in self.suffixes) and self.pattern.search(line) is not None


RULES: Final = (
    Rule(
        "names a folder of one machine: make it relative, or a setting",
        re.compile(r"(?<![\w.:}])/(?:home|Users|root|work|workspace)/\w|[A-Z]:\\Users\\"),
    ),
    Rule(
        "names a package registry: where packages come from is the machine's business",
        re.compile(
            r"(?<!-)--(?:find-links|(?:extra-)?index-url)|pypi\.org|pythonhosted\.org|registry\.npmjs\.org"
            r"|registry *= *\"?https?:|\"resolved\": *\"https?:|https?://[^ \"]+/simple(?:/|\"|$)"
        ),
    ),
    Rule(
        "silences a tool without saying why: write the reason on the same line",
        re.compile(
            r"# no[q]a(?!: *[A-Z]+[0-9]+(?:, *[A-Z]+[0-9]+)*[ #—:-]+\w)"
            r"|# (?:type|pyright): ignore(?!\[[\w, -]+\][ #—:-]+\w)"
            r"|# pragma: no (?:cover|branch)(?![ #—:-]+\w)"
        ),
        suffixes=(".py", ".pyi"),
    ),
    Rule(
        "leaves a test out without saying why: write the reason on the same line",
        re.compile(r"pytest\.(?:skip|xfail)\( *\)|pytest\.mark\.(?:skip|skipif|xfail)\b(?!\(f?\"|.*reason=)"),
        suffixes=(".py",),
    ),
)


def main() -> int:
    """Print what breaks a rule in this checkout; 0 when nothing does."""
    found = [finding for path in checked_in() for finding in findings(path)]
    for finding in found:
        print(finding)
    return 1 if found else 0


def checked_in() -> Iterator[Path]:
    """Give the files that are in the repository or would be with `git add`."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    yield from (Path(name) for name in listed.stdout.split("\0") if name and Path(name).is_file())


def findings(path: Path) -> Iterator[str]:
    """Give a line for everything in the file that breaks a rule, its name included."""
    if EMPTY_NAMES.search(path.as_posix()):
        yield f"{path}:1: has a name that says nothing: what is it really?"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return
    if path.suffix == ".py" and len(lines) > LONGEST_FILE:
        yield f"{path}:{LONGEST_FILE}: has {len(lines)} lines: which two things live in it?"
    yield from broken(path, lines)


def broken(path: Path, lines: Iterable[str]) -> Iterator[str]:
    """Give a line for each line that breaks a rule."""
    for number, line in enumerate(lines, start=1):
        for rule in RULES:
            if rule.finds(path, line):
                yield f"{path}:{number}: {rule.sentence}"


if __name__ == "__main__":
    sys.exit(main())
