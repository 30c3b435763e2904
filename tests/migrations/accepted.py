"""The catalog that the migrations are meant to make, as it was accepted last."""

from difflib import unified_diff
from pathlib import Path
from typing import Final

ACCEPTED: Final = Path(__file__).with_name("catalog.txt")


def drift(found: list[str]) -> str:
    """Return how a catalog differs from the accepted one; nothing when it does not."""
    return differences(ACCEPTED.read_text(encoding="utf-8").splitlines(), found)


def accept(found: list[str]) -> None:
    """Let a catalog be the accepted one."""
    ACCEPTED.write_text("\n".join([*found, ""]), encoding="utf-8")


def differences(before: list[str], after: list[str]) -> str:
    """Return the lines that are in one catalog only; each names its object, so none needs its neighbours."""
    lines = list(unified_diff(before, after, lineterm="", n=0))[2:]
    return "\n".join(line for line in lines if not line.startswith("@@"))
