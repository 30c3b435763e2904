"""Each subject has a pace of its own, kept over a while."""

from producers.pace import MOST_SUBJECTS, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_what_is_too_much_is_not_counted_and_an_even_pace_goes_on_for_ever() -> None:
    clock = Clock()
    pace = Pace(8, burst_seconds=2, clock=clock)
    assert [pace.exceeded("a") for _ in range(18)] == [False] * 16 + [True] * 2
    assert not pace.exceeded("b"), "another has its own"
    clock.now += 0.125
    assert [pace.exceeded("a") for _ in range(2)] == [False, True]
    for _ in range(1_000):
        clock.now += 0.125
        assert not pace.exceeded("a")


def test_who_is_behind_is_so_until_it_has_slowed_down_and_not_for_ever() -> None:
    clock = Clock()
    pace = Pace(10, burst_seconds=2, clock=clock)
    assert [pace.behind("a", 10) for _ in range(4)] == [False, False, True, True]
    assert pace.behind("a", 1_000_000)
    clock.now += 1.9
    assert pace.behind("a", 1)
    clock.now += 2.2
    assert not pace.behind("a", 1)


def test_only_so_many_subjects_are_remembered() -> None:
    pace = Pace(1, burst_seconds=1, clock=Clock())
    for subject in range(MOST_SUBJECTS + 1):
        assert not pace.exceeded(subject)
    assert pace.exceeded(MOST_SUBJECTS)
    assert not pace.exceeded(0), "it was forgotten"
