from pathlib import Path

import pytest

from tests.architecture import guard

# Written in two parts, so that this file does not break the rules it tests.
BROKEN = [
    "open('/" + "home/me/file')",
    "pip install --index" + "-url x",
    "see https://py" + "pi.org",
    "x = f()  # no" + "qa",
    "x = f()  # no" + "qa: S603",
    "x = f()  # type: " + "ignore[misc]",
    "x = f()  # pragma: no " + "cover",
    "pytest." + "skip()",
    "@pytest.mark." + "skip",
    "@pytest.mark." + "skipif(os.geteuid() != 0)",
    "@pytest.mark." + "xfail(strict=True)",
]
KEPT = [
    "open('/" + "run/secrets/url')",
    "uv pip compile --no-emit-index" + "-url",
    "x = f()  # no" + "qa: S603  our own module",
    "x = f()  # no" + "qa: S603, S607 - our own program",
    "x = f()  # type: " + "ignore[misc]  # APScheduler 3 ships no types",
    "x = f()  # pragma: no " + "cover - only on macOS",
    "@pytest.mark." + 'skipif(os.geteuid() != 0, reason="only root")',
    "pytest." + 'skip("there is no node here")',
    "pytest." + "skip(str(reason))",
    "http://127.0.0.1/" + "root/x",
]


@pytest.mark.parametrize("line", BROKEN)
def test_a_line_that_breaks_a_rule_is_found(line: str) -> None:
    assert list(guard.broken(Path("some.py"), ["", line]))


@pytest.mark.parametrize("line", KEPT)
def test_a_line_that_gives_its_reason_is_not(line: str) -> None:
    assert not list(guard.broken(Path("some.py"), [line]))


@pytest.mark.parametrize("name", ["db/utils.py", "helpers/a.py", "workers/event_handlers.py", "common.md"])
def test_a_name_that_says_nothing_is_found(name: str) -> None:
    found = guard.EMPTY_NAMES.search(name)
    assert (found is None) is ("event" in name)


def test_a_long_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "long.py"
    file.write_text("\n" * 301, encoding="utf-8")
    assert any("301 lines" in finding for finding in guard.findings(file))


def test_a_file_that_is_not_text_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(b"\xff\x00")
    assert not list(guard.findings(file))
