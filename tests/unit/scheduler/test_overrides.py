"""Operators change the timetable without changing the code."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from scheduler.__main__ import main
from scheduler.cron import parsed, written
from scheduler.errors import TimetableRefused
from scheduler.overrides import overridden
from scheduler.timetable import TIMETABLE


def test_nothing_said_changes_nothing() -> None:
    assert overridden(TIMETABLE, None) == TIMETABLE


def test_one_time_changes_one_is_off_and_the_others_stay() -> None:
    changed = {entry.name: entry for entry in overridden(TIMETABLE, 'rotate-keys = "0 3 * * *"\nexpire-caches = "off"')}
    assert changed.keys() == {entry.name for entry in TIMETABLE} - {"expire-caches"}
    assert written(changed["rotate-keys"].trigger) == "0 0 3 * * *"
    assert changed["create-partitions"] == next(entry for entry in TIMETABLE if entry.name == "create-partitions")


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ('no-such-tick = "off"', "which no tick is called"),
        ('rotate-keys = "61 * * * *"', "rotate-keys: .* is no cron expression"),
        ('rotate-keys = "0 0 30 2 *"', "never comes"),
        ('rotate-keys = "* * *"', "write minute, hour"),
        ('rotate-keys = "0 3 * * 0"', "write mon"),
        ("rotate-keys = false", "in quotes"),
        ("rotate-keys", "is not TOML"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_sentence(toml: str, sentence: str) -> None:
    with pytest.raises(TimetableRefused, match=sentence):
        overridden(TIMETABLE, toml)


def test_five_years_of_a_leap_day_have_two_of_them() -> None:
    entry = overridden(TIMETABLE, 'rotate-keys = "0 0 29 2 *"\n')
    leap = next(each for each in entry if each.name == "rotate-keys")
    start = datetime(2024, 1, 1, tzinfo=UTC)
    assert [time.year for time in leap.fire_times(start, start + timedelta(days=5 * 365))] == [2024, 2028]


def test_every_time_of_the_timetable_can_be_written_and_read_back() -> None:
    for entry in TIMETABLE:
        assert written(parsed(written(entry.trigger))) == written(entry.trigger)


def test_the_commands_show_what_was_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIMETABLE", 'rotate-keys = "0 3 * * *"')
    assert main(["next", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"]: row["cron"] for row in rows}["rotate-keys"] == "0 0 3 * * *"
    assert [row["next"] for row in rows] == sorted(row["next"] for row in rows)


def test_a_tick_that_does_not_exist_is_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "nothing"]) == 1
    assert "No tick is called nothing" in capsys.readouterr().err
