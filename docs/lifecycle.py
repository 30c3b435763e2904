"""docs/lifecycle.md: the life of an instance, drawn from the table that the statements are made from."""

from pathlib import Path
from string import Template
from typing import Final

from db.lifecycle import TRANSITIONS, Transition

_TEMPLATE: Final = Path(__file__).parent / "templates" / "lifecycle.md"


def documents() -> dict[str, str]:
    """Make the page."""
    page = Template(_TEMPLATE.read_text(encoding="utf-8"))
    return {"lifecycle.md": page.substitute(arrows="\n".join(_arrows()), rows="\n".join(map(_row, TRANSITIONS)))}


def _arrows() -> list[str]:
    drawn = [
        f"    {origin} --> {each.target}: {each.name.replace('_', ' ')}"
        for each in TRANSITIONS
        for origin in each.origins
    ]
    return ["    [*] --> pending: create", "    [*] --> error: create, refused", *drawn, "    deleted --> [*]"]


def _row(transition: Transition) -> str:
    origins = ", ".join(transition.origins)
    port = "given back" if transition.ends_lease else "leased"
    refusal = "" if transition.by_tick else f"`refused_{transition.name}`"
    return f"| {transition.cause} | {origins} | {transition.target} | `{transition.event}` | {refusal} | {port} |"
