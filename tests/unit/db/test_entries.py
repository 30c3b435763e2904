"""Entries are found in whatever way a file holds them, and a broken one costs no other."""

import json
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.entries import Entry, entries

GOOD: Final = [{"name": name, "of": [{"deep": "{"}]} for name in "abcd"]


def _found(text: str) -> list[tuple[int, object]]:
    return [(entry.line, entry.problem or entry.value) for entry in entries(text)]


def _names(text: str) -> list[object]:
    return [e.value["name"] if isinstance(e.value, dict) else f"line {e.line}" for e in entries(text)]


@pytest.mark.parametrize("indent", [None, 2, "\t"])
@pytest.mark.parametrize("before", ["", "\ufeff", "\n \n"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda all_of_them: all_of_them,
        lambda all_of_them: {"servers": all_of_them, "metadata": {"nextCursor": "d", "count": 4}},
        lambda all_of_them: {"metadata": {"servers": []}, "services": all_of_them},
        lambda all_of_them: [{"servers": all_of_them[:2]}, {"servers": all_of_them[2:]}],
    ],
    ids=["list", "registry", "ours", "pages"],
)
def test_lists_and_their_wrappers_are_read(wrap: object, before: str, indent: str | int | None) -> None:
    assert callable(wrap)
    assert _names(before + json.dumps(wrap(GOOD), indent=indent)) == list("abcd")


def test_an_object_of_entries_by_name_is_read_with_the_names() -> None:
    text = json.dumps({"inputs": [], "mcpServers": {"é": {"command": "npx"}, "b": {"url": "x"}}}, indent=2)
    assert [(entry.key, entry.line, entry.value) for entry in entries(text)] == [
        ("é", 4, {"command": "npx"}),
        ("b", 7, {"url": "x"}),
    ]


def test_pages_that_were_appended_to_one_file_are_all_read() -> None:
    pages = [json.dumps({"servers": GOOD[:1]}), json.dumps({"servers": GOOD[1:2]}), json.dumps(GOOD[2:])]
    assert _names("\n".join(pages)) == list("abcd")
    assert _names("".join(pages)) == list("abcd")


def test_lines_and_documents_one_after_the_other_are_read() -> None:
    assert _names("\n".join(json.dumps(each) for each in GOOD)) == list("abcd")
    assert _names("\r\n\r\n".join(json.dumps(each) for each in GOOD)) == list("abcd")
    assert _names("\n".join(json.dumps(each, indent=2) for each in GOOD)) == list("abcd")


@pytest.mark.parametrize(
    "broken",
    [
        "not json at all",
        '{"name": "x"',
        '{"name": "x", "of": [{"deep": 1',
        '{"name": "x}',
        '{"name": "x", "y"}',
        '{"name": "x", "y": }}',
        '{"name": "x"}, "y": 1}',
        '{"name": "x"]',
        "{'name': 'x'}",
        '{"name": "\\x"}',
        '{"name": "caf\udce9"}',
    ],
)
def test_a_broken_line_costs_no_other(broken: str) -> None:
    lines = [json.dumps(each) for each in GOOD]
    for at in range(1, 4):
        names = _names("\n".join([*lines[:at], broken, *lines[at:]]))
        assert names == [*"abcd"[:at], f"line {at + 1}", *"abcd"[at:]]


@pytest.mark.parametrize("broken", ['{"name": "x"', '{"name": "x", "of": [{"deep": 1', '{"name": "x}', '{"y": }'])
@pytest.mark.parametrize("before", ["[\n", '{"count": 5, "servers": [\n'])
def test_a_broken_entry_of_a_list_costs_no_other(before: str, broken: str) -> None:
    after = "\n]" if before == "[\n" else "\n]}"
    lines = [f"  {json.dumps(each)}" for each in GOOD]
    text = before + ",\n".join([*lines[:2], f"  {broken}", *lines[2:]]) + after
    assert _names(text) == ["a", "b", "line 4", "c", "d"]


def test_a_broken_entry_of_a_list_of_long_entries_costs_no_other() -> None:
    text = json.dumps([*GOOD[:2], {"name": "x", "of": {"y": [1, 2]}}, *GOOD[2:]], indent=2)
    start = text[: text.index('"x"')].count("\n")
    for broken in (
        text.replace('"x",', '"x"'),
        text.replace("        2\n      ]", "        2\n"),
        text.replace('"x"', '"x'),
    ):
        assert broken != text
        assert _names(broken) == ["a", "b", f"line {start}", "c", "d"]


def test_a_broken_value_of_an_object_costs_no_other() -> None:
    text = json.dumps({"mcpServers": {name: {"url": "x", "of": [1]} for name in "abc"}}, indent=2)
    broken = text.replace('"url": "x",', '"url": x,', 2).replace('"url": x,', '"url": "x",', 1)
    assert [entry.key or entry.line for entry in entries(broken)] == ["a", 9, "c"]


def test_the_line_of_the_mistake_is_told_beside_that_of_its_entry() -> None:
    assert _found('{"name": "x",\n "a": 1,\n "b": oops}') == [(1, "not JSON: Expecting value in line 3")]


def test_a_byte_that_is_not_utf8_is_told_for_its_entry() -> None:
    ((line, problem),) = _found('[{"name": "\udce9"}]')
    assert (line, problem) == (1, "not UTF-8: save the file in that encoding")


def test_breaks_and_nul_in_strings_are_borne() -> None:
    assert _found('\x00[{"name": "a\tb\nc\x00"}]\x00') == [(1, {"name": "a\tb\nc\x00"})]


@given(st.text(alphabet='[]{}",: \n\\ab1'))
def test_whatever_a_file_holds_its_entries_come_to_an_end(text: str) -> None:
    assert all(isinstance(entry, Entry) for entry in entries(text))


@given(st.recursive(st.none() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)))
def test_every_document_comes_through_whole(value: object) -> None:
    assert [e.value for e in entries(json.dumps([{"name": "x", "value": value}]))] == [{"name": "x", "value": value}]
