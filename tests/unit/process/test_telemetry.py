import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from process import telemetry


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, threading.excepthook
    yield
    root.handlers[:], threading.excepthook = handlers, hook
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    for name in telemetry.LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)


@dataclass
class Carried:
    """Looks like a message of Dramatiq: its text shows its arguments."""

    message_id: str
    args: tuple[object, ...]


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_json_object_with_its_context(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("workers", json=True)
    logging.getLogger("workers.janitor").warning("two\nlines \ud800", extra={"queue": "logs", "depth": 3})
    (line,) = lines(capsys)
    assert str(line["ts"]).endswith("+00:00")
    assert line["level"] == "warning"
    assert line["logger"] == "workers.janitor"
    assert line["event"] == "two\nlines \ud800"
    assert line["service"] == "workers"
    assert (line["queue"], line["depth"]) == ("logs", 3)


def test_a_line_for_a_person_has_the_event_and_its_context(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("workers", json=False)
    logging.getLogger("workers").info("drained", extra={"seconds": 2})
    assert capsys.readouterr().err.rstrip().endswith("drained  seconds=2")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_is_part_of_its_line(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> None:
    telemetry.configure("workers", json=as_json)
    try:
        _ = 1 // 0
    except ZeroDivisionError:
        logging.getLogger("workers").exception("gone wrong")
    printed = capsys.readouterr().err
    assert "ZeroDivisionError" in printed
    assert (printed.count("\n") == 1) is as_json


def test_payloads_stay_out_of_the_log_whoever_logs_them(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("workers", json=True)
    library = logging.getLogger("dramatiq.worker")
    library.error("Failed to process message %s.", Carried("id-1", ("secret",)))
    library.warning("Cannot decode %r.", b"secret")
    first, second = lines(capsys)
    assert first["event"] == "Failed to process message <Carried id-1>."
    assert second["event"] == "Cannot decode '<6 bytes>'."


def test_libraries_do_not_tell_of_each_message(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("workers", json=True)
    logging.getLogger("dramatiq.worker").info("Received a message.")
    assert not lines(capsys)


def test_the_death_of_a_thread_and_warnings_are_logged(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("workers", json=True)
    hook = threading.excepthook
    thread = threading.Thread(name="janitor")
    error = RuntimeError("lost")
    hook(threading.ExceptHookArgs((RuntimeError, error, None, thread)))
    hook(threading.ExceptHookArgs((SystemExit, SystemExit(), None, thread)))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    death, warning = lines(capsys)
    assert death["event"] == "the thread janitor died of RuntimeError"
    assert death["level"] == "critical"
    assert "DeprecationWarning: old" in str(warning["event"])


def test_lines_go_to_standard_error_as_it_is_now(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("workers", json=True)
    logging.getLogger("workers").info("here")
    sys.stdout.write("answer\n")
    captured = capsys.readouterr()
    assert captured.out == "answer\n"
    assert len(captured.err.splitlines()) == 1
