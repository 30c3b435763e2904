from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from workers.probes.sse import EventReader

STREAM = b": a comment\n\nevent: message\r\ndata: {\r\ndata:  1}\r\n\r\nid: 7\rdata:two\r\rdata: \xc3\xa9\n\ndata: cut"
EVENTS = [b"{\n 1}", b"two", b"\xc3\xa9"]


@given(st.lists(st.integers(min_value=0, max_value=len(STREAM)), max_size=20))
def test_events_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    reader = EventReader()
    pieces = [STREAM[begin:end] for begin, end in pairwise(places)]
    assert [data for piece in pieces for data in reader.feed(piece)] == EVENTS


@given(st.lists(st.binary()))
def test_any_bytes_can_be_fed(pieces: list[bytes]) -> None:
    reader = EventReader()
    for piece in pieces:
        for data in reader.feed(piece):
            assert data
