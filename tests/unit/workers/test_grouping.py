"""How fetched messages are shared out."""

from dataclasses import replace

from producers import DeleteInstance
from producers.envelope import seal
from producers.message_id import new
from workers.delivery import Delivery
from workers.grouping import GROUP_BYTES, MOST, SMALL_BYTES, Fetched, Grouping

SMALL = "instances.delete.v1"


def fetched(count: int, *, earlier: int = 0) -> list[Fetched]:
    messages = [DeleteInstance(instance_id=new()) for _ in range(count)]
    ids = [str(message.message_id) for message in messages]
    return [
        (redis_id.encode(), Delivery.unpack("instances", redis_id, seal(message), earlier))
        for redis_id, message in zip(ids, messages, strict=True)
    ]


def sizes(grouping: Grouping, *given: Fetched) -> list[int]:
    return [len(group) for group in grouping.split(given)]


def test_every_thread_has_its_share() -> None:
    assert sizes(Grouping({SMALL: "small"}, threads=4), *fetched(10)) == [3, 3, 3, 1]


def test_few_messages_go_alone_so_that_no_thread_is_idle() -> None:
    assert sizes(Grouping({SMALL: "small"}, threads=4), *fetched(4)) == [1, 1, 1, 1]
    assert sizes(Grouping({SMALL: "small"}, threads=4)) == []


def test_a_group_has_a_limit() -> None:
    assert sizes(Grouping({SMALL: "small"}, threads=1), *fetched(MOST + 1)) == [MOST, 1]


def test_what_failed_before_or_is_large_goes_alone() -> None:
    grouping = Grouping({SMALL: "small"}, threads=1)
    large = [(redis_id, replace(delivery, raw=b"x" * (SMALL_BYTES + 1))) for redis_id, delivery in fetched(1)]
    relayed = [(redis_id, replace(delivery, relayed=True)) for redis_id, delivery in fetched(1)]
    assert sizes(grouping, *large, *fetched(2), *relayed, *fetched(1)) == [1, 1, 3]


def test_what_is_not_small_and_what_may_be_poison_goes_alone() -> None:
    assert sizes(Grouping({"other": "small"}, threads=1), *fetched(3)) == [1, 1, 1]
    assert sizes(Grouping({SMALL: "small"}, threads=1), *fetched(2, earlier=1), *fetched(2)) == [1, 1, 2]


def test_nothing_is_lost_between_groups_and_the_order_stays() -> None:
    given = fetched(23)
    assert [each for group in Grouping({SMALL: "small"}, threads=3).split(given) for each in group] == given


def test_messages_share_only_with_their_like() -> None:
    other = [(redis_id, replace(delivery, wire_name="other")) for redis_id, delivery in fetched(3)]
    grouping = Grouping({SMALL: "small", "other": "other"}, threads=1)
    groups = list(grouping.split([*fetched(2), *other, *fetched(2)]))
    assert [{delivery.wire_name for _, delivery in group} for group in groups] == [{SMALL}, {"other"}]
    assert [len(group) for group in groups] == [4, 3]


def test_large_messages_that_only_add_rows_share_up_to_a_number_of_bytes() -> None:
    third = GROUP_BYTES // 3
    large = [(redis_id, replace(delivery, raw=b"x" * third)) for redis_id, delivery in fetched(7)]
    assert sizes(Grouping({SMALL: SMALL}, threads=1, appended={SMALL}), *large) == [3, 3, 1]
    assert sizes(Grouping({SMALL: SMALL}, threads=4, appended={SMALL}), *large) == [2, 2, 2, 1]
    huge = [(redis_id, replace(delivery, raw=b"x" * 2 * GROUP_BYTES)) for redis_id, delivery in fetched(2)]
    assert sizes(Grouping({SMALL: SMALL}, threads=1, appended={SMALL}), *huge) == [1, 1]
