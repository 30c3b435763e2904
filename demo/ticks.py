"""What the two schedulers sent, and what became of it."""

import re
from collections import defaultdict
from datetime import datetime
from typing import Final
from uuid import UUID

from scheduler.timetable import TIMETABLE

from .cast import Cast
from .processes import StageProcess
from .stage import DemoFailed

APPLIED: Final = "SELECT count(*) FROM inbox WHERE message_id = ANY (%(messages)s) AND outcome = 'applied'"

_SENT: Final = re.compile(r"^(?P<name>[\w-]+) of (?P<fire_time>\S+) is sent$")


def compare(cast: Cast) -> None:
    """End the schedulers, and wait until every fire time that one of them sent is in the inbox once."""
    cast.narrator.act("What PostgreSQL knows", "Everything below is read from the tables, none of it from our memory.")
    sent = []
    for scheduler in cast.schedulers:
        if not cast.stage.retire(scheduler):
            raise DemoFailed(f"{scheduler.name} did not end well after SIGTERM")
        sent.append(fire_times(scheduler))
    cast.fire_times = {entry.name: [times[entry.name] for times in sent] for entry in TIMETABLE}
    ids = [message_id for name in cast.fire_times for message_id in message_ids(cast, name)]
    cast.stage.await_("the last tick", lambda: cast.stage.ask(APPLIED, messages=ids)[0][0] == len(ids))
    total = sum(len(times) for both in cast.fire_times.values() for times in both)
    cast.narrator.prove(f"two schedulers sent {total} ticks of {len(ids)} fire times; each was applied once.")


def fire_times(scheduler: StageProcess) -> dict[str, set[datetime]]:
    """Read from a scheduler's log which ticks it sent."""
    found: dict[str, set[datetime]] = defaultdict(set)
    for event in scheduler.events():
        if match := _SENT.match(str(event.get("event"))):
            found[match["name"]].add(datetime.fromisoformat(match["fire_time"]))
    return found


def message_ids(cast: Cast, name: str) -> list[UUID]:
    """Give the ids that the fire times of a tick have, whoever sends it."""
    contract = next(entry.contract for entry in TIMETABLE if entry.name == name)
    return [contract.at(fire_time).message_id for fire_time in set().union(*cast.fire_times[name])]
