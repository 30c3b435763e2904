from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from db.repositories.dead_letters import DeadLetter
from db.unit_of_work import UnitOfWork

from .given import NOW


def _letter(number: int = 0, *, reason: str = "invalid") -> DeadLetter:
    return DeadLetter(
        message_id=str(uuid4()),
        queue="instances",
        wire_name="instances.create.v1",
        reason=reason,
        error="the name is too long",
        payload='{"name": "…"}',
        host="worker-1",
        created_at=NOW + timedelta(seconds=number),
    )


def test_a_letter_is_kept_as_it_was_written(uow: UnitOfWork) -> None:
    letter = replace(_letter(), traceback="Traceback …", redacted=True, deliveries=3)
    assert uow.dead_letters.add(letter) == letter.id
    assert uow.dead_letters.get(letter.id) == letter


def test_letters_are_listed_newest_first_page_by_page(uow: UnitOfWork) -> None:
    letters = [_letter(number // 2) for number in range(5)]
    for letter in letters:
        uow.dead_letters.add(letter)
    pages, before = [], None
    while page := uow.dead_letters.list(2, before=before):
        pages.append(page)
        before = page[-1]
    assert [len(page) for page in pages] == [2, 2, 1]
    expected = sorted(letters, key=lambda letter: (letter.created_at, letter.id), reverse=True)
    assert [letter for page in pages for letter in page] == expected


def test_letters_are_listed_and_counted_by_reason(uow: UnitOfWork) -> None:
    for reason in ("invalid", "poison", "poison"):
        uow.dead_letters.add(_letter(reason=reason))
    assert [letter.reason for letter in uow.dead_letters.list(reason="poison")] == ["poison", "poison"]
    assert uow.dead_letters.count_by_reason() == {"invalid": 1, "poison": 2}


@pytest.mark.parametrize("close", ["mark_replayed", "discard"])
def test_a_letter_is_closed_once(uow: UnitOfWork, close: str) -> None:
    letter = _letter()
    uow.dead_letters.add(letter)
    assert getattr(uow.dead_letters, close)(letter.id)
    assert not uow.dead_letters.mark_replayed(letter.id)
    assert not uow.dead_letters.discard(letter.id)
    assert uow.dead_letters.list() == []
    closed = uow.dead_letters.get(letter.id)
    assert closed is not None
    assert (closed.replayed_at is None) == (close == "discard")


def test_a_message_that_dies_again_after_its_replay_has_one_letter_open_again(uow: UnitOfWork) -> None:
    first = _letter()
    uow.dead_letters.add(first)
    uow.dead_letters.mark_replayed(first.id)
    again = replace(first, id=uuid4(), reason="exhausted", created_at=NOW + timedelta(hours=1))
    assert uow.dead_letters.add(again) == first.id
    assert uow.dead_letters.list() == [replace(again, id=first.id)]


def test_a_letter_about_bytes_that_postgresql_cannot_hold_is_stored(uow: UnitOfWork) -> None:
    letter = replace(_letter(), message_id="\x00", payload="\ud800 \x00", error="NUL \x00", traceback="\udfff")
    uow.dead_letters.add(letter)
    stored = uow.dead_letters.get(letter.id)
    assert stored is not None
    assert (stored.message_id, stored.payload, stored.traceback) == ("\ufffd", "\ufffd \ufffd", "\ufffd")


def test_a_letter_that_never_was_is_not_found(uow: UnitOfWork) -> None:
    assert uow.dead_letters.get(uuid4()) is None
    assert not uow.dead_letters.discard(uuid4())
